//! Wake logic of one's own: how writeback ends. Twenty lines that fail, and the two
//! that are commented out make them hold.

use stalewake::Check;
use stalewake::report::Style;
use stalewake_model::current::Current;
use stalewake_model::filemap::wake_up_page;
use stalewake_model::page::{PG_WRITEBACK, Page};
use stalewake_model::page_writeback::clear_page_writeback;
use stalewake_model::violation::Halt;
use stalewake_model::wake_logic::WakeLogic;

/// v5.9's wake logic, but for the end of writeback.
pub struct Mine;

impl WakeLogic for Mine {
    fn name(&self) -> &'static str {
        "my wake logic"
    }

    fn end_page_writeback(&self, cx: &Current<'_>, page: &Page) -> Result<(), Halt> {
        // stalewake_model::swap::get_page(cx, page);
        let ended = clear_page_writeback(cx, page)?;
        cx.barrier("smp_mb__after_atomic");
        wake_up_page(cx, page, PG_WRITEBACK, ended)?;
        // stalewake_model::swap::put_page(cx, page)?;
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let report = Check::scenario("writeback-reuse")
        .kernel("v5.9")
        .wake_logic(Mine)
        .run()?;
    println!("{report}");
    if let Some(story) = report.story(Style::PLAIN)? {
        println!("{story}");
    }
    Ok(())
}
