//! What has to be known of all files before one of them is changed.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{
    Expr, ExprRepeat, File, Generics, Ident, ImplItemConst, ImplItemFn, ItemConst, ItemEnum,
    ItemFn, ItemMacro, ItemStatic, Type, TypeArray,
};

/// The names of what is declared in some files.
#[derive(Debug, Default)]
pub struct Survey {
    /// What occurs where the compiler computes: a function of that name stays
    /// `const`, and nothing in it can be chosen.
    constant: BTreeSet<String>,
    /// What the bodies of `const` functions mention.
    mentions: Vec<(String, BTreeSet<String>)>,
    /// Constants that are numbers.
    numbers: BTreeMap<String, Number>,
    /// The variants without a value of every enumeration.
    variants: BTreeMap<String, Vec<Ident>>,
}

/// What a number stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// Itself.
    Count,
    /// Some bits of a word.
    Bits,
}

impl Survey {
    /// Looks at all of them.
    pub fn of<'f>(files: impl IntoIterator<Item = &'f File>) -> Survey {
        let mut survey = Survey::default();
        for file in files {
            survey.visit_file(file);
        }
        // What a function that stays `const` calls stays so, too.
        loop {
            let known = survey.constant.len();
            for (name, mentioned) in &survey.mentions {
                if survey.constant.contains(name) {
                    survey.constant.extend(mentioned.iter().cloned());
                }
            }
            if survey.constant.len() == known {
                return survey;
            }
        }
    }

    /// Whether a function of this name must be `const`.
    pub fn is_constant(&self, function: &Ident) -> bool {
        self.constant.contains(&function.to_string())
    }

    /// What the constant of this name stands for, if it is a number.
    pub fn number(&self, name: &Ident) -> Option<Number> {
        self.numbers.get(&name.to_string()).copied()
    }

    /// The variant after this one, the first after the last; none if there is no other.
    pub fn next_variant(&self, enumeration: &Ident, variant: &Ident) -> Option<&Ident> {
        let all = self.variants.get(&enumeration.to_string())?;
        let place = all.iter().position(|one| one == variant)?;
        let next = &all[(place + 1) % all.len()];
        (next != variant).then_some(next)
    }

    fn constant(&mut self, tokens: &impl ToTokens) {
        self.constant.extend(names(tokens.to_token_stream()));
    }

    fn declares(&mut self, name: &Ident, kind: &Type, value: &Expr) {
        self.constant(value);
        let number = match kind.to_token_stream().to_string().as_str() {
            "u64" if value.to_token_stream().to_string() != "0" => Number::Bits,
            "u8" | "u16" | "u32" | "u64" | "usize" | "i64" => Number::Count,
            _ => return,
        };
        self.numbers.insert(name.to_string(), number);
    }

    fn function(&mut self, name: &Ident, constness: bool, body: &syn::Block) {
        if constness {
            let mentioned = names(body.to_token_stream()).collect();
            self.mentions.push((name.to_string(), mentioned));
        }
    }
}

impl<'f> Visit<'f> for Survey {
    fn visit_item_const(&mut self, item: &'f ItemConst) {
        self.declares(&item.ident, &item.ty, &item.expr);
    }

    fn visit_impl_item_const(&mut self, item: &'f ImplItemConst) {
        self.constant(&item.expr);
    }

    fn visit_item_static(&mut self, item: &'f ItemStatic) {
        self.constant(&item.expr);
    }

    fn visit_item_macro(&mut self, item: &'f ItemMacro) {
        self.constant(&item.mac.tokens);
    }

    fn visit_expr_repeat(&mut self, repeat: &'f ExprRepeat) {
        self.constant(&repeat.len);
        visit::visit_expr_repeat(self, repeat);
    }

    fn visit_type_array(&mut self, array: &'f TypeArray) {
        self.constant(&array.len);
        visit::visit_type_array(self, array);
    }

    fn visit_generics(&mut self, generics: &'f Generics) {
        self.constant(generics);
    }

    fn visit_item_enum(&mut self, item: &'f ItemEnum) {
        let plain = item.variants.iter().filter(|one| one.fields.is_empty());
        let plain: Vec<Ident> = plain.map(|variant| variant.ident.clone()).collect();
        // Of two of one name it is not known which is meant.
        let all = self.variants.entry(item.ident.to_string());
        all.and_modify(Vec::clear).or_insert(plain);
    }

    fn visit_item_fn(&mut self, item: &'f ItemFn) {
        self.function(&item.sig.ident, item.sig.constness.is_some(), &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'f ImplItemFn) {
        self.function(&item.sig.ident, item.sig.constness.is_some(), &item.block);
        visit::visit_impl_item_fn(self, item);
    }
}

/// Every name in some source.
fn names(tokens: TokenStream) -> Box<dyn Iterator<Item = String>> {
    Box::new(tokens.into_iter().flat_map(|token| match token {
        TokenTree::Ident(name) => Box::new(std::iter::once(name.to_string())),
        TokenTree::Group(group) => names(group.stream()),
        _ => Box::new(std::iter::empty()),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::format_ident;

    fn survey(source: &str) -> Survey {
        Survey::of([&syn::parse_file(source).expect("it is Rust")])
    }

    #[test]
    fn what_a_constant_is_made_with_stays_constant() {
        let survey = survey(
            "const A: u64 = f(1); const fn f(x: u64) -> u64 { g(x) } \
             const fn g(x: u64) -> u64 { x } const fn h() -> u64 { 1 } \
             fn i() { let x = [0; j()]; }",
        );
        let constant = ["f", "g", "h", "i", "j"];
        let constant = constant.map(|name| survey.is_constant(&format_ident!("{name}")));
        assert_eq!(constant, [true, true, false, false, true]);
    }

    #[test]
    fn numbers_are_told_from_bits() {
        let survey =
            survey("const A: u64 = 1 << 3; const B: u64 = 0; const C: i64 = 2; const D: X = X;");
        let numbers = ["A", "B", "C", "D"].map(|name| survey.number(&format_ident!("{name}")));
        let (count, bits) = (Some(Number::Count), Some(Number::Bits));
        assert_eq!(numbers, [bits, count, count, None]);
    }

    #[test]
    fn the_first_variant_is_after_the_last() {
        let survey = survey("enum E { A, B(u8), C } enum F { A }");
        let next = |one: &str, variant: &str| {
            let next = survey.next_variant(&format_ident!("{one}"), &format_ident!("{variant}"));
            next.map(ToString::to_string)
        };
        assert_eq!(next("E", "A").as_deref(), Some("C"));
        assert_eq!(next("E", "C").as_deref(), Some("A"));
        assert_eq!(next("E", "B"), None);
        assert_eq!(next("F", "A"), None);
    }
}
