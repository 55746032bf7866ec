//! What a function computes, computed otherwise: an operator is another one, a
//! `!` is not there, an arm of a `match` is not taken where another would be,
//! a function returns at once. These are the mutants that cargo-mutants makes,
//! but all of them in one build. In the model a number, a flag or a variant is
//! the next one, too; in functions of the kernel an arm does what the next one
//! does.

use quote::quote;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Arm, BinOp, Block, Expr, ExprMatch, ExprRepeat, GenericArgument, ImplItemFn, ItemFn, ItemMod,
    Lit, Pat, PathArguments, PathSegment, ReturnType, Signature, Type, UnOp, parse_quote,
    parse_quote_spanned,
};

use crate::mutant::{Change, Choices, Code};
use crate::step::{has_let, text};
use crate::survey::{Number, Survey};

/// Puts these mutants into what it visits.
pub struct Operators<'c, 'm> {
    choices: &'c mut Choices<'m>,
    survey: &'c Survey,
    /// The function, if it can run.
    function: Option<String>,
}

impl<'c, 'm> Operators<'c, 'm> {
    /// Adds them to all others.
    pub fn of(choices: &'c mut Choices<'m>, survey: &'c Survey) -> Operators<'c, 'm> {
        Operators {
            choices,
            survey,
            function: None,
        }
    }

    fn function(&mut self, signature: &Signature, block: &mut Block) {
        if signature.constness.is_some() {
            return;
        }
        let name = signature.ident.to_string();
        let outer = self.function.replace(name.clone());
        visit_mut::visit_block_mut(self, block);
        self.function = outer;
        let line = signature.span().start().line;
        for value in values(&signature.output) {
            let chosen = self.choices.chosen(&name, &value, line, Change::Return);
            let step = parse_quote!(if #chosen { return #value; });
            block.stmts.insert(0, step);
        }
    }

    /// The number after a number, the bit beside a flag, the next variant.
    fn successor(&self, expr: &Expr) -> Option<Expr> {
        match expr {
            Expr::Lit(literal) => {
                matches!(literal.lit, Lit::Int(_)).then(|| parse_quote!((#literal + 1)))
            }
            Expr::Path(path) => {
                if let Some(name) = path.path.get_ident() {
                    return Some(match self.survey.number(name)? {
                        Number::Count => parse_quote!(#path.wrapping_add(1)),
                        Number::Bits => parse_quote!((#path << 1)),
                    });
                }
                let mut next = path.clone();
                let mut names = next.path.segments.iter_mut().rev();
                let (variant, of) = (names.next()?, names.next()?);
                variant.ident = self.survey.next_variant(&of.ident, &variant.ident)?.clone();
                Some(Expr::Path(next))
            }
            _ => None,
        }
    }

    /// In place of an expression, another one if that is chosen.
    fn either(&mut self, place: &mut Expr, before: &Expr, others: Vec<(Change, Expr)>) {
        let Some(function) = self.function.clone() else {
            return;
        };
        let span = before.span();
        for (change, other) in others {
            let line = span.start().line;
            let chosen = self.choices.chosen(&function, before, line, change);
            let now = place.clone();
            *place = parse_quote_spanned!(span=> (if #chosen { #other } else { #now }));
        }
    }

    /// Arms without a value of their own, each of which might do what the next
    /// one does, the last what the first does.
    fn next_arms(&mut self, choice: &mut ExprMatch, before: &[Arm]) {
        let Some(function) = self.function.clone() else {
            return;
        };
        let plain: Vec<usize> = (0..before.len())
            .filter(|place| binds_nothing(&before[*place].pat))
            .collect();
        for (place, next) in plain.iter().zip(plain.iter().cycle().skip(1)) {
            let (arm, other) = (&before[*place], &before[*next].body);
            if text(&arm.body) == text(other) {
                continue;
            }
            let line = arm.span().start().line;
            let chosen = self
                .choices
                .chosen(&function, &arm.pat, line, Change::NextArm);
            let now = choice.arms[*place].body.clone();
            choice.arms[*place].body = parse_quote!((if #chosen { #other } else { #now }));
        }
    }

    /// An arm that depends on more than what it matches: it does not.
    fn guard(&mut self, arm: &mut Arm) {
        let Some(function) = self.function.clone() else {
            return;
        };
        let Some((_, guard)) = arm.guard.clone().filter(|(_, guard)| !has_let(guard)) else {
            return;
        };
        let (pattern, line) = (&arm.pat, arm.span().start().line);
        let step = quote!(#pattern if #guard);
        let mut chosen = |change| self.choices.chosen(&function, &step, line, change);
        let (yes, no) = (chosen(Change::AlwaysTrue), chosen(Change::AlwaysFalse));
        arm.guard = Some((parse_quote!(if), parse_quote!(!#no && (#yes || (#guard)))));
    }

    /// An arm without a guard that another one stands in for: not taken.
    fn arm(&mut self, arm: &mut Arm) {
        let Some(function) = self.function.clone() else {
            return;
        };
        let (step, line) = (&arm.pat, arm.span().start().line);
        let drop = self.choices.chosen(&function, step, line, Change::Drop);
        arm.guard = Some((parse_quote!(if), parse_quote!(!#drop)));
    }
}

/// Whether it takes no value out of what it matches.
fn binds_nothing(pattern: &Pat) -> bool {
    match pattern {
        Pat::Path(_) | Pat::Lit(_) | Pat::Wild(_) => true,
        Pat::Or(either) => either.cases.iter().all(binds_nothing),
        Pat::Tuple(tuple) => tuple.elems.iter().all(binds_nothing),
        // A name of an enum that was imported: what is bound begins with a small letter.
        Pat::Ident(name) => name.ident.to_string().starts_with(char::is_uppercase),
        _ => false,
    }
}

/// What a function might return at once.
fn values(output: &ReturnType) -> Vec<Expr> {
    match output {
        ReturnType::Default => vec![parse_quote!(())],
        ReturnType::Type(_, kind) => values_of(kind),
    }
}

/// Some values of a type, if there are any that it always has.
fn values_of(kind: &Type) -> Vec<Expr> {
    match kind {
        Type::Tuple(tuple) => tuples(tuple.elems.iter().map(values_of)),
        Type::Path(path) => path.path.segments.last().map(named).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// Those of a type by its name.
fn named(kind: &PathSegment) -> Vec<Expr> {
    match kind.ident.to_string().as_str() {
        "bool" => vec![parse_quote!(true), parse_quote!(false)],
        "usize" | "u8" | "u16" | "u32" | "u64" | "i64" => vec![parse_quote!(0), parse_quote!(1)],
        "Option" => vec![parse_quote!(None)],
        "Result" => {
            let values = of_what(kind).map(values_of).unwrap_or_default();
            values
                .iter()
                .map(|value| parse_quote!(Ok(#value)))
                .collect()
        }
        "Vec" | "String" | "Footprint" | "ThreadSet" => vec![parse_quote!(Default::default())],
        _ => Vec::new(),
    }
}

/// The first type between its angle brackets.
fn of_what(kind: &PathSegment) -> Option<&Type> {
    match &kind.arguments {
        PathArguments::AngleBracketed(inner) => match inner.args.first()? {
            GenericArgument::Type(kind) => Some(kind),
            _ => None,
        },
        _ => None,
    }
}

/// Every tuple of these values, each in its place.
fn tuples(places: impl Iterator<Item = Vec<Expr>>) -> Vec<Expr> {
    let all = places.fold(vec![Vec::new()], |all, values| {
        let longer = |before: &Vec<Expr>| {
            let values = values.iter().cloned();
            let longer = values.map(|value| [before.as_slice(), &[value]].concat());
            longer.collect::<Vec<_>>()
        };
        all.iter().flat_map(longer).collect()
    });
    all.iter()
        .map(|values| parse_quote!((#(#values,)*)))
        .collect()
}

/// What might stand in place of an operator.
fn others(operator: &BinOp) -> Vec<(Change, BinOp)> {
    use Change::{AndOr, Arithmetic, Bits, Boundary, Negate, Reverse};
    match operator {
        BinOp::Eq(_) => vec![(Negate, parse_quote!(!=))],
        BinOp::Ne(_) => vec![(Negate, parse_quote!(==))],
        BinOp::And(_) => vec![(AndOr, parse_quote!(||))],
        BinOp::Or(_) => vec![(AndOr, parse_quote!(&&))],
        BinOp::Lt(_) => vec![(Boundary, parse_quote!(<=)), (Reverse, parse_quote!(>))],
        BinOp::Le(_) => vec![(Boundary, parse_quote!(<)), (Reverse, parse_quote!(>=))],
        BinOp::Gt(_) => vec![(Boundary, parse_quote!(>=)), (Reverse, parse_quote!(<))],
        BinOp::Ge(_) => vec![(Boundary, parse_quote!(>)), (Reverse, parse_quote!(<=))],
        BinOp::Add(_) => vec![(Arithmetic, parse_quote!(-))],
        BinOp::Sub(_) => vec![(Arithmetic, parse_quote!(+))],
        BinOp::Mul(_) => vec![(Arithmetic, parse_quote!(+))],
        BinOp::Div(_) => vec![(Arithmetic, parse_quote!(*))],
        BinOp::Rem(_) => vec![(Arithmetic, parse_quote!(/))],
        BinOp::AddAssign(_) => vec![(Arithmetic, parse_quote!(-=))],
        BinOp::SubAssign(_) => vec![(Arithmetic, parse_quote!(+=))],
        BinOp::BitAnd(_) => vec![(Bits, parse_quote!(|))],
        BinOp::BitOr(_) => vec![(Bits, parse_quote!(&))],
        BinOp::BitXor(_) => vec![(Bits, parse_quote!(|))],
        BinOp::BitAndAssign(_) => vec![(Bits, parse_quote!(|=))],
        BinOp::BitOrAssign(_) => vec![(Bits, parse_quote!(&=))],
        BinOp::BitXorAssign(_) => vec![(Bits, parse_quote!(|=))],
        BinOp::Shl(_) => vec![(Bits, parse_quote!(>>))],
        BinOp::Shr(_) => vec![(Bits, parse_quote!(<<))],
        _ => Vec::new(),
    }
}

impl VisitMut for Operators<'_, '_> {
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

    fn visit_expr_mut(&mut self, place: &mut Expr) {
        let before = place.clone();
        visit_mut::visit_expr_mut(self, place);
        // What is inside has changed; what stands in its place has not.
        let others: Vec<(Change, Expr)> = match &before {
            Expr::Binary(binary) if !has_let(&before) => {
                let with = |op: BinOp| {
                    Expr::Binary(syn::ExprBinary {
                        op,
                        ..binary.clone()
                    })
                };
                let all = others(&binary.op).into_iter();
                all.map(|(change, op)| (change, with(op))).collect()
            }
            Expr::Unary(unary) if matches!(unary.op, UnOp::Not(_)) && !has_let(&before) => {
                vec![(Change::Negate, (*unary.expr).clone())]
            }
            value if self.choices.code != Code::Explorer => match self.successor(value) {
                Some(successor) => vec![(Change::Successor, successor)],
                None => return,
            },
            _ => return,
        };
        self.either(place, &before, others);
    }

    fn visit_expr_repeat_mut(&mut self, repeat: &mut ExprRepeat) {
        // How often is a constant.
        self.visit_expr_mut(&mut repeat.expr);
    }

    fn visit_expr_match_mut(&mut self, choice: &mut ExprMatch) {
        let before = choice.clone();
        visit_mut::visit_expr_match_mut(self, choice);
        if self.choices.code == Code::Model {
            self.next_arms(choice, &before.arms);
        }
        for arm in &mut choice.arms {
            self.guard(arm);
        }
        let is_rest = |arm: &Arm| matches!(arm.pat, Pat::Wild(_)) && arm.guard.is_none();
        let Some(rest) = choice.arms.iter().position(is_rest) else {
            return;
        };
        for arm in choice.arms[..rest]
            .iter_mut()
            .filter(|arm| arm.guard.is_none())
        {
            self.arm(arm);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::mutant::Code;
    use crate::rewrite::rewrite;
    use crate::survey::Survey;

    /// The mutants of some source that no step is needed for, each in short.
    fn mutants(source: &str) -> Vec<String> {
        of(Code::Explorer, source)
    }

    fn of(code: Code, source: &str) -> Vec<String> {
        let mut syntax = syn::parse_file(source).expect("it is Rust");
        let survey = Survey::of([&syntax]);
        let mut mutants = Vec::new();
        rewrite("file.rs", code, &survey, &mut syntax, &mut mutants);
        let said = mutants.iter().map(|m| format!("{} {}", m.change, m.step));
        said.collect()
    }

    #[test]
    fn an_operator_is_another_one_and_what_is_around_it_stays() {
        let all = [
            "negate a == 1",
            "boundary b < c",
            "reverse b < c",
            "and-or a == 1 && b < c",
            "return true",
            "return false",
        ];
        let source = "fn f(a: u32, b: u32, c: u32) -> bool { a == 1 && b < c }";
        assert_eq!(mutants(source), all);
    }

    #[test]
    fn a_step_is_named_as_it_is_written() {
        let said = mutants("fn f() -> A { g(|x| x + 1, !y); h() }");
        let all = [
            "arithmetic x + 1",
            "negate ! y",
            "drop g (| x | x + 1 , ! y)",
        ];
        assert_eq!(said, all);
    }

    #[test]
    fn an_arm_is_dropped_if_another_one_takes_its_place() {
        let said = mutants("fn f() -> A { match g() { B => h(), C if i() => j(), _ => k() } }");
        let all = ["always-true C if i ()", "always-false C if i ()", "drop B"];
        assert_eq!(said, all);
        let said = mutants("fn f() -> A { match g() { B if i() => h(), B => h(), C => k() } }");
        assert_eq!(said, ["always-true B if i ()", "always-false B if i ()"]);
    }

    #[test]
    fn a_number_and_a_flag_of_the_kernel_is_another() {
        let source = "const PG_LOCKED: u64 = 1; enum E { A, B } \
                      fn f() { let x = [0; 2]; g(x, 3, PG_LOCKED, NO, E::A); }";
        let said = of(Code::Model, source);
        let all = [
            "successor 0",
            "successor 3",
            "successor PG_LOCKED",
            "successor E :: A",
            "return ()",
            "drop g (x , 3 , PG_LOCKED , NO , E :: A)",
        ];
        assert_eq!(said, all);
        assert_eq!(
            mutants(source),
            ["return ()", "drop g (x , 3 , PG_LOCKED , NO , E :: A)"]
        );
    }

    #[test]
    fn an_arm_of_the_kernel_does_what_the_next_one_does() {
        let said = of(
            Code::Model,
            "fn f() -> A { match g() { A::B => h(), A::C | A::D => i(), E { j } => k(j) } }",
        );
        assert_eq!(said, ["next-arm A :: B", "next-arm A :: C | A :: D"]);
        let said = of(
            Code::Model,
            "fn f() -> A { match g() { B => h(), C => h() } }",
        );
        assert_eq!(said, Vec::<String>::new());
    }

    #[test]
    fn a_function_returns_values_of_its_type() {
        let said = mutants("fn f() -> Result<(bool, Option<B>), C> { g() }");
        let all = [
            "return Ok ((true , None ,))",
            "return Ok ((false , None ,))",
        ];
        assert_eq!(said, all);
    }

    #[test]
    fn what_cannot_choose_is_left_alone() {
        let said = mutants("const A: u32 = f() + 2; const fn f() -> u32 { 1 + 2 }");
        assert_eq!(said, Vec::<String>::new());
        let said = mutants("const fn f() -> A { 1 + 2 }");
        assert_eq!(said, ["arithmetic 1 + 2"]);
        let said = mutants("fn f() -> A { if let B = g() && !h() { i() } else { j() } }");
        assert_eq!(said, ["negate ! h ()"]);
    }
}
