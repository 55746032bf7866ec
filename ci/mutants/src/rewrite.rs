//! All mutants of a source file in one: every change of a step is there, and
//! takes place only if its number is chosen. So hundreds of mutants are built
//! at once.
//!
//! Every statement that calls something is dropped, and no condition is looked
//! at. In the model a statement in which the running task (`cx`) occurs is also
//! doubled and changes places with the next: without it no shared operation can
//! be reached, and doing a thing twice is mostly the same. Everywhere what a
//! step computes is changed too: see [`operators`](crate::operators).

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Block, Expr, ExprIf, File, ImplItemFn, ItemFn, ItemMod, ReturnType, Signature, Stmt,
    parse_quote,
};

use crate::mutant::{Change, Choices, Code, Mutant};
use crate::operators::Operators;
use crate::step::{
    can_be_twice, doubles, has_let, has_steps, is_assignment, is_call, is_choice, is_mark, is_step,
    mentions, moves, name, text,
};
use crate::survey::Survey;

/// Puts all mutants of a file into it, and adds them to the list; the place in
/// the list is the number that chooses a mutant.
pub fn rewrite(
    file: &str,
    code: Code,
    survey: &Survey,
    syntax: &mut File,
    mutants: &mut Vec<Mutant>,
) {
    let mut choices = Choices::new(file, code, mutants);
    Runtime { survey }.visit_file_mut(syntax);
    Operators::of(&mut choices, survey).visit_file_mut(syntax);
    let mut rewriter = Rewriter {
        choices,
        function: None,
    };
    rewriter.visit_file_mut(syntax);
}

/// Nothing can be chosen where the compiler computes: what need not be `const` is not.
struct Runtime<'s> {
    survey: &'s Survey,
}

impl VisitMut for Runtime<'_> {
    fn visit_signature_mut(&mut self, signature: &mut Signature) {
        if !self.survey.is_constant(&signature.ident) {
            signature.constness = None;
        }
    }
}

struct Rewriter<'m> {
    choices: Choices<'m>,
    /// The function, if steps can be in it.
    function: Option<String>,
}

/// What a block ends with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// Nothing, or what is of no use to anybody.
    Unit,
    /// `Ok(())`, if nothing is wrong.
    Fine,
    /// A value that is needed.
    Value,
}

impl Rewriter<'_> {
    fn chosen(&mut self, step: &impl ToTokens, line: usize, change: Change) -> TokenStream {
        let function = self.function.as_deref().unwrap_or_default();
        self.choices.chosen(function, step, line, change)
    }

    fn function(&mut self, signature: &Signature, block: &mut Block) {
        if signature.constness.is_some() {
            return;
        }
        let outer = self.function.replace(signature.ident.to_string());
        self.visit_block_mut(block);
        if self.choices.code == Code::Model {
            self.tail(block, ending(&signature.output));
        }
        self.function = outer;
    }

    /// The last expression of a function, which is its value.
    fn tail(&mut self, block: &mut Block, ending: Ending) {
        let Some(Stmt::Expr(last, None)) = block.stmts.last() else {
            return;
        };
        if !is_call(last) || !has_steps(last) || ending == Ending::Value {
            return;
        }
        let (last, line) = (last.clone(), last.span().start().line);
        block.stmts.pop();
        if can_be_twice(&last) {
            let double = self.chosen(&last, line, Change::Double);
            block.stmts.push(match ending {
                Ending::Fine => parse_quote!(if #double { #last?; }),
                _ => parse_quote!(if #double { #last; }),
            });
        }
        let drop = self.chosen(&last, line, Change::Drop);
        let nothing: Expr = match ending {
            Ending::Fine => parse_quote!(Ok(())),
            _ => parse_quote!(()),
        };
        let tail: Expr = parse_quote!(if #drop { #nothing } else { #last });
        block.stmts.push(Stmt::Expr(tail, None));
    }

    /// The statements of a block, with every mutant of each.
    fn statements(&mut self, before: &[Stmt]) -> Vec<Stmt> {
        let mut after: Vec<Stmt> = Vec::new();
        let mut late: Option<Stmt> = None;
        let mut place = 0;
        while let Some(stmt) = before.get(place) {
            place += 1;
            let put_off = late.take();
            let swap = before
                .get(place)
                .and_then(|next| Some((next, self.swap(stmt, next)?)));
            match swap {
                Some((next, (swap, Moved::Both))) => {
                    self.double(stmt, &mut after);
                    self.double(next, &mut after);
                    after.push(both(stmt, next, &swap));
                    place += 1;
                }
                Some((_, (swap, Moved::Later))) => {
                    late = Some(parse_quote!(if #swap { #stmt }));
                    self.single(stmt, &swap, &mut after);
                }
                None => self.single(stmt, &quote!(false), &mut after),
            }
            after.extend(put_off);
        }
        after
    }

    /// The statements of a block, with each call dropped.
    fn calls(&mut self, before: &[Stmt]) -> Vec<Stmt> {
        let mut after: Vec<Stmt> = Vec::new();
        for stmt in before {
            match stmt {
                Stmt::Expr(step, Some(_)) if is_call(step) && !is_assignment(step) => {
                    let drop = self.chosen(step, stmt.span().start().line, Change::Drop);
                    after.push(parse_quote!(if !#drop { #step; }));
                }
                _ => after.push(stmt.clone()),
            }
        }
        after
    }

    /// One statement, dropped or doubled, or not here because it moves.
    fn single(&mut self, stmt: &Stmt, moved: &TokenStream, after: &mut Vec<Stmt>) {
        self.double(stmt, after);
        match stmt {
            Stmt::Expr(step, Some(_)) if is_call(step) && !is_assignment(step) => {
                let drop = self.chosen(step, stmt.span().start().line, Change::Drop);
                after.push(parse_quote!(if !(#drop || #moved) { #step; }));
            }
            _ => after.push(stmt.clone()),
        }
    }

    /// Once more, before it happens.
    fn double(&mut self, stmt: &Stmt, after: &mut Vec<Stmt>) {
        let line = stmt.span().start().line;
        match stmt {
            Stmt::Expr(step, Some(_)) if is_step(stmt) && can_be_twice(step) => {
                let double = self.chosen(step, line, Change::Double);
                after.push(parse_quote!(if #double { #step; }));
            }
            Stmt::Local(local) if doubles(local) => {
                let init = &local.init.as_ref().expect("it doubles").expr;
                let double = self.chosen(local, line, Change::Double);
                after.push(parse_quote!(if #double { let _ = #init; }));
            }
            _ => {}
        }
    }

    /// Whether two neighbours can change places, and which one moves.
    fn swap(&mut self, one: &Stmt, next: &Stmt) -> Option<(TokenStream, Moved)> {
        let line = one.span().start().line;
        let moved = match (one, next) {
            (Stmt::Expr(step, _), _)
                if is_step(one) && !moves(step) && !is_mark(step) && !is_assignment(step) =>
            {
                let apart = match next {
                    Stmt::Expr(step, Some(_)) => is_step(next) && !moves(step) && !is_mark(step),
                    Stmt::Local(local) => doubles(local),
                    _ => false,
                };
                apart.then_some(Moved::Later)?
            }
            (Stmt::Local(one), Stmt::Local(next)) => {
                let (first, second) = (name(one)?, name(next)?);
                let apart = doubles(one) && doubles(next) && first != second;
                (apart && !mentions(next, &first)).then_some(Moved::Both)?
            }
            _ => return None,
        };
        let pair = quote!(#one #next);
        Some((self.chosen(&pair, line, Change::Swap), moved))
    }
}

/// What moves when two statements change places.
enum Moved {
    /// The first one, behind the second.
    Later,
    /// Both: their values are bound together.
    Both,
}

/// Two bindings, in either order.
fn both(one: &Stmt, next: &Stmt, swap: &TokenStream) -> Stmt {
    let (Stmt::Local(first), Stmt::Local(second)) = (one, next) else {
        unreachable!("only bindings are bound together");
    };
    let (a, b) = (&first.pat, &second.pat);
    let (x, y) = (name(first), name(second));
    parse_quote! {
        let (#a, #b) = if #swap { #next #one (#x, #y) } else { #one #next (#x, #y) };
    }
}

impl VisitMut for Rewriter<'_> {
    fn visit_item_mod_mut(&mut self, module: &mut ItemMod) {
        if module.ident != "tests" {
            visit_mut::visit_item_mod_mut(self, module);
        }
    }

    fn visit_item_fn_mut(&mut self, item: &mut ItemFn) {
        self.function(&item.sig.clone(), &mut item.block);
    }

    fn visit_impl_item_fn_mut(&mut self, item: &mut ImplItemFn) {
        self.function(&item.sig.clone(), &mut item.block);
    }

    fn visit_block_mut(&mut self, block: &mut Block) {
        visit_mut::visit_block_mut(self, block);
        if self.function.is_none() {
            return;
        }
        let stmts = std::mem::take(&mut block.stmts);
        block.stmts = match self.choices.code {
            Code::Model => self.statements(&stmts),
            Code::Engine | Code::Explorer => self.calls(&stmts),
        };
    }

    fn visit_expr_if_mut(&mut self, choice: &mut ExprIf) {
        if is_choice(&choice.cond) {
            // One change at a time: only what is there without it is changed again.
            if let Some((_, otherwise)) = &mut choice.else_branch {
                self.visit_expr_mut(otherwise);
            }
            return;
        }
        visit_mut::visit_expr_if_mut(self, choice);
        let cond = &choice.cond;
        if has_let(cond) || self.function.is_none() {
            return;
        }
        let line = cond.span().start().line;
        let yes = self.chosen(cond, line, Change::AlwaysTrue);
        let no = self.chosen(cond, line, Change::AlwaysFalse);
        *choice.cond = parse_quote!(!#no && (#yes || (#cond)));
    }
}

fn ending(output: &ReturnType) -> Ending {
    match output {
        ReturnType::Default => Ending::Unit,
        ReturnType::Type(_, kind) if text(kind).starts_with("Result < ()") => Ending::Fine,
        ReturnType::Type(..) => Ending::Value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mutants of some source, each in short.
    fn mutants(source: &str) -> (Vec<String>, String) {
        let mut syntax = syn::parse_file(source).expect("it is Rust");
        let survey = Survey::of([&syntax]);
        let mut mutants = Vec::new();
        rewrite("file.rs", Code::Model, &survey, &mut syntax, &mut mutants);
        let mut said: Vec<String> = mutants
            .iter()
            .filter(|mutant| mutant.change != Change::Return)
            .map(|mutant| format!("{} {}", mutant.change, mutant.step))
            .collect();
        said.sort();
        (said, prettyplease::unparse(&syntax))
    }

    #[test]
    fn every_step_is_dropped_doubled_and_swapped() {
        let (said, source) = mutants("fn f(cx: &Current) { a(cx); b(cx); c(); }");
        let all = [
            "double a (cx)",
            "double b (cx)",
            "drop a (cx)",
            "drop b (cx)",
            "drop c ()",
            "swap a (cx) ; b (cx) ;",
        ];
        assert_eq!(said, all);
        assert!(source.contains("crate::mutant::is(0usize)"), "{source}");
    }

    #[test]
    fn a_value_is_needed_and_so_it_is_only_doubled() {
        let (said, _) = mutants("fn f(cx: &Current) -> u32 { let x = a(cx); x }");
        assert_eq!(said, ["double let x = a (cx) ;"]);
        let (said, _) = mutants("fn f(cx: &Current) -> u32 { let x = a(cx); let y = b(cx, x); y }");
        assert_eq!(said.len(), 2, "the second needs the first: {said:?}");
        let (said, _) =
            mutants("fn f(cx: &Current) -> u32 { let x = a(cx); let y = b(cx); x + y }");
        assert!(
            said.contains(&"swap let x = a (cx) ; let y = b (cx) ;".to_owned()),
            "{said:?}"
        );
    }

    #[test]
    fn a_condition_is_not_looked_at() {
        let (said, _) = mutants("fn f(cx: &Current) -> A { if p.test(cx) { g() } else { h() } }");
        assert_eq!(
            said,
            ["always-false p . test (cx)", "always-true p . test (cx)"]
        );
    }

    #[test]
    fn what_finds_and_what_judges_is_not_doubled() {
        let (said, _) = mutants("fn f(cx: &Current) { let page = cx.machine.page(x); g(page); }");
        assert_eq!(said, ["drop g (page)"]);
        let (said, _) =
            mutants("fn f(cx: &Current) -> Result<(), Halt> { touched(cx, x)?; a(cx) }");
        assert_eq!(
            said,
            ["double a (cx)", "drop a (cx)", "drop touched (cx , x) ?"]
        );
    }

    #[test]
    fn the_last_step_of_a_function_is_one() {
        let (said, _) = mutants("fn f(cx: &Current) -> Result<(), Halt> { a(cx) }");
        assert_eq!(said, ["double a (cx)", "drop a (cx)"]);
        let (said, _) = mutants("fn f(cx: &Current) -> bool { a(cx) }");
        assert_eq!(said, Vec::<String>::new());
    }

    #[test]
    fn what_is_no_step_is_left_alone() {
        let (said, _) =
            mutants("fn f() { a(); } #[cfg(test)] mod tests { fn g(cx: &C) { b(cx); } }");
        assert_eq!(said, ["drop a ()"]);
        let (said, _) = mutants("fn f(cx: &C) { let _call = cx.enter(\"f\"); }");
        assert_eq!(said, Vec::<String>::new());
    }
}
