//! What of the source is a step, and what may be done to it.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Expr, ExprIf, Local, Pat, Stmt};

/// Whether a statement is one step and nothing else.
pub fn is_step(stmt: &Stmt) -> bool {
    matches!(stmt, Stmt::Expr(step, Some(_)) if is_call(step) && has_steps(step))
}

/// Whether a binding is of a step that can happen twice.
pub fn doubles(local: &Local) -> bool {
    let init = local.init.as_ref();
    init.is_some_and(|init| {
        init.diverge.is_none() && is_call(&init.expr) && has_steps(&init.expr) && !moves(&init.expr)
    })
}

pub fn is_call(expr: &Expr) -> bool {
    match expr {
        Expr::Try(tried) => is_call(&tried.expr),
        Expr::Call(_) | Expr::MethodCall(_) | Expr::Assign(_) => true,
        _ => false,
    }
}

/// Whether it is another execution if it happens twice.
pub fn can_be_twice(step: &Expr) -> bool {
    !moves(step) && !is_mark(step) && !judges(step)
}

/// Whether it lets go of something, which cannot be done twice.
pub fn moves(tokens: &impl ToTokens) -> bool {
    let text = text(tokens);
    text.starts_with("drop (") || GIVEN_AWAY.iter().any(|part| text.contains(part))
}

/// Where a step gives away what it could not give twice: the compiler names
/// these, so the list cannot be too short.
const GIVEN_AWAY: [&str; 3] = [". rev ()", "& mut list , queued)", "update (before)"];

/// Whether it only leaves a mark that this branch was taken.
pub fn is_mark(expr: &Expr) -> bool {
    text(expr).contains("cx . takes (")
}

/// Whether it gives a variable a value, without which there may be none.
pub fn is_assignment(expr: &Expr) -> bool {
    matches!(expr, Expr::Assign(assignment) if matches!(*assignment.left, Expr::Path(_)))
}

/// Whether the running task occurs in it, for more than the name of a function
/// or to find something that is always the same.
pub fn has_steps(tokens: &impl ToTokens) -> bool {
    let found = FINDS
        .iter()
        .fold(text(tokens), |text, finds| text.replace(finds, ""));
    has_word(&found, "cx") && !found.contains("cx . enter (")
}

/// What has no effect and always the same result.
const FINDS: [&str; 8] = [
    "cx . kernel ()",
    "cx . config ()",
    "cx . thread ()",
    "cx . task ()",
    "cx . machine . page (",
    "cx . machine . inodes . get (",
    "only_head (cx)",
    "page_waitqueue (cx ,",
];

/// Whether it only reports what is wrong: twice is as good as once.
fn judges(expr: &Expr) -> bool {
    let text = text(expr);
    JUDGES.iter().any(|judge| text.contains(judge))
}

/// Who looks at what was seen, takes no step and changes nothing.
const JUDGES: [&str; 5] = [
    "judge_wakeup (",
    "judge_walk (",
    "touched (",
    "vm_bug_on_tail (",
    "cx . report (",
];

pub fn has_let(expr: &Expr) -> bool {
    has_word(&text(expr), "let")
}

fn has_word(text: &str, word: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.any(|one| one == word)
}

pub fn mentions(local: &Local, name: &syn::Ident) -> bool {
    local
        .init
        .as_ref()
        .is_some_and(|init| has_word(&text(&init.expr), &name.to_string()))
}

/// What a binding is called, if it is one name.
pub fn name(local: &Local) -> Option<syn::Ident> {
    match &local.pat {
        Pat::Ident(name) => Some(name.ident.clone()),
        _ => None,
    }
}

/// Source on one line, as it was without any mutant.
pub fn text(tokens: &impl ToTokens) -> String {
    let text = original(tokens.to_token_stream()).to_string();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Source without the choices of [`operators`](crate::operators): what is there
/// if none of them is taken.
fn original(tokens: TokenStream) -> TokenStream {
    let mut all = TokenStream::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => match otherwise(&group) {
                Some(now) => all.extend(original(now)),
                None => {
                    let inner = original(group.stream());
                    all.extend([TokenTree::Group(Group::new(group.delimiter(), inner))]);
                }
            },
            token => all.extend([token]),
        }
    }
    all
}

/// What is in the last braces of `(if mutant::is(1) { .. } else { .. })`.
fn otherwise(group: &Group) -> Option<TokenStream> {
    if group.delimiter() != Delimiter::Parenthesis {
        return None;
    }
    let choice: ExprIf = syn::parse2(group.stream()).ok()?;
    let (_, otherwise) = choice.else_branch.filter(|_| is_choice(&choice.cond))?;
    match *otherwise {
        Expr::Block(now) => {
            let stmts = now.block.stmts.into_iter();
            Some(stmts.map(ToTokens::into_token_stream).collect())
        }
        _ => None,
    }
}

/// Whether it is the condition under which a mutant takes place.
pub fn is_choice(cond: &Expr) -> bool {
    let Expr::Call(call) = cond else {
        return false;
    };
    let Expr::Path(path) = &*call.func else {
        return false;
    };
    let mut names = path
        .path
        .segments
        .iter()
        .rev()
        .map(|segment| &segment.ident);
    names.next().is_some_and(|name| name == "is") && names.next().is_some_and(|m| m == "mutant")
}
