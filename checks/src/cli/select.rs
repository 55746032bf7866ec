//! Which cells are meant.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use stalewake::cell::{Cell, KernelChoice, Parameters};
use stalewake::printable;
use stalewake::report::aside;
use stalewake::scenario::{self, Scenario, ScenarioError};
use stalewake_model::release::Release;

use super::error::{BadQuestion, LONGEST_NAME, Unknown};
use super::kernel::{change, of_commits, release, warn_of_doubt};
use super::paths::{named, place, quoted};
use super::{Choice, From};

/// The scenarios that can be named.
pub(super) struct Catalogue {
    /// Those that could be read.
    pub(super) scenarios: Vec<Arc<Scenario>>,
    /// Why the others could not.
    pub(super) broken: Vec<ScenarioError>,
    directory: Option<PathBuf>,
    /// Files that were named, and what is in them.
    files: BTreeMap<PathBuf, Arc<Scenario>>,
}

/// One argument that names a scenario, or a part of its cells.
pub(super) struct Chosen {
    /// The scenario.
    pub(super) scenario: Arc<Scenario>,
    /// What must be typed to name it again.
    pub(super) argument: String,
    /// The values that the argument asks for.
    parameters: Vec<Choice>,
    /// The kernel that the argument asks for.
    pub(super) kernel: Option<&'static Release>,
    typed_kernel: String,
}

/// What every cell is subject to.
#[derive(Debug, Default, Args)]
pub(super) struct Wishes {
    /// These kernels, not those that the scenario lists.
    #[arg(long = "kernel", value_name = "K", value_delimiter = ',')]
    pub(super) kernels: Vec<String>,
    /// The kernel is v5.8 with these commits, named by at least seven digits of
    /// their hashes: what a backport of only some of them would do.
    #[arg(
        long,
        value_name = "HASH",
        value_delimiter = ',',
        conflicts_with = "kernels"
    )]
    pub(super) commits: Vec<String>,
    /// Only this value of a parameter; may be repeated.
    #[arg(long, value_name = "PARAM=VALUE", value_parser = Choice::parse)]
    pub(super) set: Vec<Choice>,
    /// Change one mechanism of every kernel; nothing is expected of one that is changed. See
    /// `stalewake kernels`; may be repeated.
    #[arg(long, value_name = "MECHANISM=ALTERNATIVE", value_parser = Choice::parse)]
    pub(super) with: Vec<Choice>,
}

/// The cells that a command line means.
pub(super) struct Selected {
    /// The cells, each with the argument that named it.
    pub(super) cells: Vec<(Cell, String)>,
    /// A file could not be read; that has been said.
    pub(super) bad_files: bool,
}

impl Selected {
    /// The cells of these arguments. Says on standard error which files cannot
    /// be read.
    ///
    /// # Errors
    /// When a name means nothing, or when no cell is left although every file
    /// could be read.
    pub(super) fn by(
        arguments: &[String],
        from: &From,
        wishes: &Wishes,
    ) -> miette::Result<Selected> {
        let mut catalogue = Catalogue::read(from.directory.as_deref())?;
        let chosen = catalogue.choose(arguments)?;
        let cells = wishes.cells(&chosen)?;
        let bad_files = catalogue.complain();
        if cells.is_empty() && !bad_files {
            return Err(BadQuestion::Nothing.into());
        }
        Ok(Selected { cells, bad_files })
    }

    /// The cells, and the command that explains each.
    pub(super) fn with_commands(self, from: &From) -> (Vec<Cell>, Vec<String>) {
        let directory = from.directory.as_deref();
        let explained = |(cell, argument): (Cell, String)| {
            let command = explain_command(&cell, &argument, directory);
            (cell, command)
        };
        self.cells.into_iter().map(explained).unzip()
    }
}

impl Catalogue {
    /// The scenarios of a directory, or the shipped ones.
    ///
    /// # Errors
    /// When the directory cannot be read. A file in it that cannot be is no
    /// error yet.
    pub(super) fn read(directory: Option<&Path>) -> Result<Catalogue, ScenarioError> {
        let all = match directory {
            Some(directory) => scenario::read_dir(directory)?,
            None => scenario::shipped(),
        };
        let mut catalogue = Catalogue {
            scenarios: Vec::new(),
            broken: Vec::new(),
            directory: directory.map(Path::to_owned),
            files: BTreeMap::new(),
        };
        for scenario in all {
            match scenario {
                Ok(scenario) => catalogue.scenarios.push(Arc::new(scenario)),
                Err(error) => catalogue.broken.push(error),
            }
        }
        Ok(catalogue)
    }

    /// Says on standard error which files could not be read, and returns whether
    /// there are any.
    pub(super) fn complain(&mut self) -> bool {
        let broken = std::mem::take(&mut self.broken);
        let any = !broken.is_empty();
        for error in broken {
            aside(format_args!("{:?}", miette::Report::new(error)));
        }
        any
    }

    /// What the arguments name; all scenarios if there are none. Files that
    /// cannot be read join the broken ones.
    ///
    /// # Errors
    /// When a name means nothing, or there are no scenarios.
    pub(super) fn choose(&mut self, arguments: &[String]) -> miette::Result<Vec<Chosen>> {
        if let Some(directory) = &self.directory
            && self.scenarios.is_empty()
            && self.broken.is_empty()
            && arguments.is_empty()
        {
            let directory = named(directory);
            return Err(BadQuestion::NoFiles { directory }.into());
        }
        if arguments.is_empty() {
            return Ok(self.scenarios.iter().map(Chosen::all_of).collect());
        }
        let mut chosen = Vec::new();
        for argument in arguments {
            chosen.extend(self.choose_one(argument)?);
        }
        require_one_of_each_name(&chosen)?;
        Ok(chosen)
    }

    fn choose_one(&mut self, argument: &str) -> miette::Result<Option<Chosen>> {
        if names_file(argument) {
            return Ok(self.read_file(argument));
        }
        let (name, filter) = argument.split_once('/').unwrap_or((argument, ""));
        if let Some(scenario) = self.scenarios.iter().find(|scenario| scenario.name == name) {
            return Ok(Some(Chosen::all_of(scenario).narrowed(argument, filter)?));
        }
        if argument.contains('/') && Path::new(argument).exists() {
            return Ok(self.read_file(argument));
        }
        // A scenario whose file is broken has been complained about already.
        let file = |directory: &PathBuf| directory.join(format!("{name}.toml")).exists();
        if !self.broken.is_empty() && self.directory.as_ref().is_some_and(file) {
            return Ok(None);
        }
        let names = self.scenarios.iter().map(|scenario| scenario.name.as_str());
        let place = match argument.contains('/') {
            true => " and no file of that name",
            false => "",
        };
        let unknown = Unknown::within("scenario", name, place.to_owned(), names);
        Err(unknown.typed_as(argument, meant(argument)).into())
    }

    fn read_file(&mut self, path: &str) -> Option<Chosen> {
        let place = place(Path::new(path));
        if let Some(scenario) = self.files.get(&place) {
            return Some(Chosen::all_of(scenario).typed(path));
        }
        match scenario::read(Path::new(path)) {
            Ok(scenario) => {
                let scenario = self.files.entry(place).or_insert(Arc::new(scenario));
                Some(Chosen::all_of(scenario).typed(path))
            }
            Err(error) => {
                self.broken.push(error);
                None
            }
        }
    }
}

/// Cells go by the name of their scenario: who reads it must know which that is.
fn require_one_of_each_name(chosen: &[Chosen]) -> Result<(), BadQuestion> {
    let mut seen: BTreeMap<&str, &Arc<Scenario>> = BTreeMap::new();
    for Chosen { scenario, .. } in chosen {
        let first = *seen.entry(&scenario.name).or_insert(scenario);
        if !Arc::ptr_eq(first, scenario) {
            return Err(BadQuestion::SameName {
                name: scenario.name.clone(),
                one: named(Path::new(&first.file)),
                other: named(Path::new(&scenario.file)),
            });
        }
    }
    Ok(())
}

/// What may have been meant by a name that is none of a scenario.
fn meant(argument: &str) -> Option<String> {
    let file = format!("{argument}.toml");
    if Path::new(&file).is_file() {
        let file = printable(&file, LONGEST_NAME);
        return Some(format!("a file is named as a whole: `{file}`"));
    }
    let release = Release::resolve(argument).ok()?;
    Some(format!(
        "a kernel is chosen with `--kernel {}`",
        release.name
    ))
}

/// A value of one of the scenario's parameters, with that.
fn value_of(scenario: &Scenario, value: &str) -> Option<Choice> {
    let mut parameters = scenario.parameters.iter();
    let has = |values: &[String]| values.iter().any(|one| one == value);
    let parameter = parameters.find(|parameter| has(&parameter.values))?;
    Some(Choice {
        name: parameter.name.clone(),
        value: value.to_owned(),
    })
}

impl Chosen {
    fn all_of(scenario: &Arc<Scenario>) -> Chosen {
        Chosen {
            scenario: scenario.clone(),
            argument: scenario.name.clone(),
            parameters: Vec::new(),
            kernel: None,
            typed_kernel: String::new(),
        }
    }

    /// The same, named in this way.
    fn typed(self, argument: &str) -> Chosen {
        Chosen {
            argument: argument.to_owned(),
            ..self
        }
    }

    /// Only the cells that a filter such as `truncate=wait/v5.9` names.
    fn narrowed(mut self, argument: &str, filter: &str) -> miette::Result<Chosen> {
        for part in filter.split('/').filter(|part| !part.is_empty()) {
            if let Ok(choice) = Choice::parse(part) {
                require_value(&self.scenario, &choice)?;
                self.parameters.push(choice);
            } else if self.kernel.is_some() {
                return Err(BadQuestion::TwoKernels {
                    cell: argument.to_owned(),
                }
                .into());
            } else {
                let kernel = release(part);
                let kernel = kernel.map_err(|error| match value_of(&self.scenario, part) {
                    Some(known) => BadQuestion::ValueAlone(known).into(),
                    None => error,
                });
                self.kernel = Some(kernel?);
                warn_of_doubt(part);
                part.clone_into(&mut self.typed_kernel);
            }
        }
        Ok(self)
    }

    /// The combinations of parameters that are meant.
    pub(super) fn combinations(&self, wishes: &Wishes) -> Vec<Parameters> {
        let wanted = |choices: &[Choice], name: &String, value: &String| {
            let mut choices = choices
                .iter()
                .filter(|choice| choice.name == *name)
                .peekable();
            choices.peek().is_none() || choices.any(|choice| choice.value == *value)
        };
        self.scenario
            .combinations()
            .into_iter()
            .filter(|combination| {
                combination.iter().all(|(name, value)| {
                    wanted(&wishes.set, name, value) && wanted(&self.parameters, name, value)
                })
            })
            .collect()
    }

    /// The kernels that are meant.
    ///
    /// # Errors
    /// When one does not exist, or two are asked for at once.
    pub(super) fn kernels(&self, wishes: &Wishes) -> miette::Result<Vec<KernelChoice>> {
        let mut kernels = match self.kernel {
            Some(_) if !wishes.kernels.is_empty() || !wishes.commits.is_empty() => {
                let cell = format!("{}/…/{}", self.argument, self.typed_kernel);
                return Err(BadQuestion::TwoKernels { cell }.into());
            }
            Some(release) => {
                vec![KernelChoice {
                    typed: self.typed_kernel.clone(),
                    ..KernelChoice::of(release)
                }]
            }
            None if !wishes.commits.is_empty() => vec![of_commits(&wishes.commits)?],
            None if wishes.kernels.is_empty() => self
                .scenario
                .kernels()
                .into_iter()
                .map(KernelChoice::of)
                .collect(),
            None => {
                let choice = |typed: &String| {
                    let choice = KernelChoice::of(release(typed)?);
                    miette::Result::Ok(KernelChoice {
                        typed: typed.clone(),
                        ..choice
                    })
                };
                wishes
                    .kernels
                    .iter()
                    .map(choice)
                    .collect::<miette::Result<_>>()?
            }
        };
        for choice in &mut kernels {
            change(&mut choice.kernel, &wishes.with)?;
        }
        Ok(kernels)
    }
}

impl Wishes {
    /// The cells of everything that was chosen, none of them twice.
    ///
    /// # Errors
    /// When a kernel, a mechanism, a parameter or a value does not exist, or
    /// when no cell is left. Nothing chosen at all is left to the caller.
    pub(super) fn cells(&self, chosen: &[Chosen]) -> miette::Result<Vec<(Cell, String)>> {
        self.require_parameters(chosen)?;
        self.kernels.iter().for_each(|name| warn_of_doubt(name));
        let mut cells = Vec::new();
        let mut seen = BTreeSet::new();
        for one in chosen {
            let kernels = one.kernels(self)?;
            for parameters in one.combinations(self) {
                for kernel in &kernels {
                    let cell = Cell {
                        scenario: one.scenario.clone(),
                        parameters: parameters.clone(),
                        kernel: kernel.clone(),
                    };
                    if seen.insert((Arc::as_ptr(&one.scenario), cell.to_string())) {
                        cells.push((cell, one.argument.clone()));
                    }
                }
            }
        }
        if cells.is_empty() && !chosen.is_empty() {
            let mut scenarios = chosen.iter().map(|one| &one.scenario);
            let without = scenarios.find(|scenario| scenario.kernels().is_empty());
            return Err(match without {
                Some(scenario) => BadQuestion::NoKernel {
                    scenario: scenario.name.clone(),
                },
                None => BadQuestion::Nothing,
            }
            .into());
        }
        Ok(cells)
    }

    /// Every `--set` must mean something in at least one scenario.
    pub(super) fn require_parameters(&self, chosen: &[Chosen]) -> miette::Result<()> {
        for choice in self.set.iter().filter(|_| !chosen.is_empty()) {
            let having: Vec<&Chosen> = chosen
                .iter()
                .filter(|one| {
                    one.scenario
                        .parameters
                        .iter()
                        .any(|p| p.name == choice.name)
                })
                .collect();
            if having.is_empty() {
                let names: BTreeSet<&str> = chosen
                    .iter()
                    .flat_map(|one| one.scenario.parameters.iter().map(|p| p.name.as_str()))
                    .collect();
                let place = match chosen {
                    [only] => format!(" in scenario `{}`", only.scenario.name),
                    _ => " in any of these scenarios".to_owned(),
                };
                return Err(Unknown::within("parameter", &choice.name, place, names).into());
            }
            // One of several scenarios may lack the value, but not all of them.
            let errors = having
                .iter()
                .map(|one| require_value(&one.scenario, choice));
            if let Some(error) = errors.collect::<Result<Vec<()>, _>>().err()
                && having
                    .iter()
                    .all(|one| require_value(&one.scenario, choice).is_err())
            {
                return Err(error.into());
            }
        }
        Ok(())
    }
}

/// Complains if a scenario has no such parameter or if that has no such value.
fn require_value(scenario: &Scenario, choice: &Choice) -> Result<(), Unknown> {
    let Some(parameter) = scenario.parameters.iter().find(|p| p.name == choice.name) else {
        let place = format!(" in scenario `{}`", scenario.name);
        let names = scenario.parameters.iter().map(|p| p.name.as_str());
        return Err(Unknown::within("parameter", &choice.name, place, names));
    };
    if parameter.values.contains(&choice.value) {
        return Ok(());
    }
    let place = format!(
        " of parameter `{}` in scenario `{}`",
        choice.name, scenario.name
    );
    let values = parameter.values.iter().map(String::as_str);
    Err(Unknown::within("value", &choice.value, place, values))
}

/// The command that explains a cell, of a scenario that is named so.
pub(super) fn explain_command(cell: &Cell, argument: &str, directory: Option<&Path>) -> String {
    let mut command = format!(
        "stalewake explain {} --kernel {}",
        quoted(argument),
        quoted(&cell.kernel.typed)
    );
    for (name, value) in &cell.parameters {
        command += &format!(" --set {name}={value}");
    }
    for (name, value) in cell.kernel.changes() {
        command += &format!(" --with {name}={value}");
    }
    if let Some(directory) = directory {
        command += &format!(" --scenarios {}", quoted(&directory.to_string_lossy()));
    }
    command
}

/// Whether an argument is the path of a scenario file, and not a name.
fn names_file(argument: &str) -> bool {
    argument.ends_with(".toml")
}

/// The scenario files that are read for these arguments.
pub(super) fn files_read(arguments: &[String], from: &From) -> Vec<PathBuf> {
    let named = arguments.iter().filter(|argument| names_file(argument));
    // A directory that cannot be read is complained about by who reads it.
    let directory = from.directory.iter();
    let others = directory.filter_map(|directory| scenario::files_in(directory).ok());
    named.map(PathBuf::from).chain(others.flatten()).collect()
}
