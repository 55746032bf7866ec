//! What is in a document.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// A block of code.
pub struct Block {
    /// What stands behind the fence; nothing if it is indented.
    pub info: String,
    /// What is in it.
    pub text: String,
    /// The line in the document at which it begins, from 1.
    pub line: usize,
}

/// Every block of code.
pub fn blocks(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (event, place) in Parser::new_ext(document, Options::ENABLE_TABLES).into_offset_iter() {
        match (event, &mut open) {
            (Event::Start(Tag::CodeBlock(kind)), _) => {
                let info = match kind {
                    CodeBlockKind::Fenced(info) => info.into_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                open = Some(Block {
                    info,
                    text: String::new(),
                    line: document[..place.start].matches('\n').count() + 1,
                });
            }
            (Event::Text(text), Some(block)) => block.text += &text,
            (Event::End(TagEnd::CodeBlock), _) => blocks.extend(open.take()),
            _ => {}
        }
    }
    blocks
}

/// Where the links lead.
pub fn links(document: &str) -> Vec<String> {
    let events = Parser::new_ext(document, Options::ENABLE_TABLES);
    let targets = events.filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url),
        _ => None,
    });
    targets.map(|target| target.into_string()).collect()
}

/// The code within sentences and tables.
pub fn code(document: &str) -> Vec<String> {
    let events = Parser::new_ext(document, Options::ENABLE_TABLES);
    let codes = events.filter_map(|event| match event {
        Event::Code(text) => Some(text.into_string()),
        _ => None,
    });
    codes.collect()
}
