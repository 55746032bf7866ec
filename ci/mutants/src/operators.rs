//! What a function computes, computed otherwise: an operator is another one, a
//! `!` is not there, an arm of a `match` is not taken where another would be,
//! a function returns at once. These are the mutants that cargo-mutants makes,
//! but all of them in one build.

use quote::quote;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Arm, BinOp, Block, Expr, ExprMatch, ImplItemFn, ItemFn, ItemMod, Pat, ReturnType, Signature,
    UnOp, parse_quote, parse_quote_spanned,
};

use crate::mutant::{Change, Choices};
use crate::step::{has_let, text};

/// Puts these mutants into what it visits.
pub struct Operators<'c, 'm> {
    choices: &'c mut Choices<'m>,
    /// The function, if it can run.
    function: Option<String>,
}

impl<'c, 'm> Operators<'c, 'm> {
    /// Adds them to all others.
    pub fn of(choices: &'c mut Choices<'m>) -> Operators<'c, 'm> {
        Operators {
            choices,
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

    /// An arm that another one stands in for: not taken, or taken in any case.
    fn arm(&mut self, arm: &mut Arm) {
        let Some(function) = self.function.clone() else {
            return;
        };
        let (step, line) = (arm.pat.clone(), arm.span().start().line);
        let guard = arm.guard.as_ref().map(|(_, guard)| guard.clone());
        let guard = match guard {
            Some(guard) if has_let(&guard) => return,
            Some(guard) => {
                let step = quote!(#step if #guard);
                let change = Change::AlwaysTrue;
                let yes = self.choices.chosen(&function, &step, line, change);
                quote!((#yes || (#guard)))
            }
            None => quote!(true),
        };
        let drop = self.choices.chosen(&function, &step, line, Change::Drop);
        arm.guard = Some((parse_quote!(if), parse_quote!(!#drop && #guard)));
    }
}

/// What a function might return at once.
fn values(output: &ReturnType) -> Vec<Expr> {
    let ReturnType::Type(_, kind) = output else {
        return vec![parse_quote!(())];
    };
    let kind = text(kind);
    let begins = |start: &str| kind.starts_with(start);
    match kind.as_str() {
        "bool" => vec![parse_quote!(true), parse_quote!(false)],
        "usize" | "u8" | "u16" | "u32" | "u64" => vec![parse_quote!(0), parse_quote!(1)],
        _ if begins("Result < ()") => vec![parse_quote!(Ok(()))],
        _ if begins("Result < bool") => vec![parse_quote!(Ok(true)), parse_quote!(Ok(false))],
        _ if begins("Option <") => vec![parse_quote!(None)],
        _ if begins("Vec <") => vec![parse_quote!(Vec::new())],
        _ => Vec::new(),
    }
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
            _ => return,
        };
        self.either(place, &before, others);
    }

    fn visit_expr_match_mut(&mut self, choice: &mut ExprMatch) {
        visit_mut::visit_expr_match_mut(self, choice);
        let is_rest = |arm: &Arm| matches!(arm.pat, Pat::Wild(_)) && arm.guard.is_none();
        let Some(rest) = choice.arms.iter().position(is_rest) else {
            return;
        };
        for arm in &mut choice.arms[..rest] {
            self.arm(arm);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::mutant::Code;
    use crate::rewrite::rewrite;

    /// The mutants of some source that no step is needed for, each in short.
    fn mutants(source: &str) -> Vec<String> {
        let mut syntax = syn::parse_file(source).expect("it is Rust");
        let mut mutants = Vec::new();
        rewrite("file.rs", Code::Explorer, &mut syntax, &mut mutants);
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
        let said = mutants("fn f() -> String { g(|x| x + 1, !y); h() }");
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
        let all = ["drop B", "always-true C if i ()", "drop C"];
        assert_eq!(said, all);
        let said = mutants("fn f() -> A { match g() { B => h(), C => k() } }");
        assert_eq!(said, Vec::<String>::new());
    }

    #[test]
    fn what_cannot_choose_is_left_alone() {
        let said = mutants("const A: u32 = 1 + 2; const fn f() -> u32 { 1 + 2 }");
        assert_eq!(said, Vec::<String>::new());
        let said = mutants("fn f() -> A { if let B = g() && !h() { i() } else { j() } }");
        assert_eq!(said, ["negate ! h ()"]);
    }
}
