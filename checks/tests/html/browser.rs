//! A headless Chromium, spoken to through its driver by the WebDriver protocol.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

// Keys, as the protocol calls them.
pub const ENTER: &str = "\u{e007}";
pub const ESCAPE: &str = "\u{e00c}";
pub const END: &str = "\u{e010}";
pub const HOME: &str = "\u{e011}";
pub const RIGHT: &str = "\u{e014}";

/// What a browser is started with.
const FLAGS: [&str; 9] = [
    "--headless=new",
    // As root, which is usual in a container, there is no sandbox.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--window-size=1280,900",
    // It asks nothing of any network.
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// A browser, until it is dropped.
pub struct Browser {
    driver: Child,
    /// Read no more, and open so that the driver can write.
    _output: BufReader<ChildStdout>,
    session: String,
}

impl Browser {
    /// Starts one; none if none is installed, unless the environment says that
    /// there must be.
    pub fn start() -> Option<Browser> {
        match Browser::try_to_start() {
            Ok(browser) => Some(browser),
            Err(why) => {
                let required = std::env::var_os("STALEWAKE_REQUIRE_CHROMIUM");
                assert!(required.is_none_or(|value| value != "1"), "{why}");
                eprintln!("skipped: the page is not tried in a browser, for there is none: {why}");
                None
            }
        }
    }

    fn try_to_start() -> Result<Browser, String> {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("chromedriver: {error}"))?;
        let mut output = BufReader::new(driver.stdout.take().expect("it is piped"));
        let port = port(&mut output);
        let mut browser = Browser {
            driver,
            _output: output,
            session: format!("http://127.0.0.1:{}/session", port.unwrap_or_default()),
        };
        let answer = post(
            &browser.session,
            &json!({ "capabilities": { "alwaysMatch": {
                "browserName": "chrome",
                "goog:loggingPrefs": { "browser": "ALL" },
                "goog:chromeOptions": { "args": FLAGS },
            } } }),
        )?;
        let id = answer["sessionId"]
            .as_str()
            .ok_or("the driver opened no session")?;
        browser.session = format!("{}/{id}", browser.session);
        Ok(browser)
    }

    fn ask(&self, what: &str, body: &Value) -> Value {
        post(&format!("{}/{what}", self.session), body).unwrap_or_else(|why| panic!("{why}"))
    }

    /// Opens a file at an anchor.
    pub fn open(&self, file: &Path, anchor: &str) {
        self.ask(
            "url",
            &json!({ "url": format!("file://{}{anchor}", file.display()) }),
        );
    }

    /// What a piece of JavaScript returns.
    pub fn run(&self, script: &str) -> Value {
        self.ask("execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// The value of an expression, now.
    pub fn value(&self, expression: &str) -> Value {
        self.run(&format!("return {expression}"))
    }

    /// Waits until an expression has this value. A click, a key and an address
    /// are answered before the page has followed them.
    pub fn shows(&self, expression: &str, expected: impl Into<Value>) {
        let expected = expected.into();
        self.wait_for(expression, |value| *value == expected);
    }

    /// Waits until an expression has another value than this.
    pub fn shows_other_than(&self, expression: &str, before: &Value) {
        self.wait_for(expression, |value| value != before);
    }

    /// Waits until the value is as it should be, however long that takes.
    fn wait_for(&self, expression: &str, is_right: impl Fn(&Value) -> bool) {
        loop {
            // What is not there yet has no properties.
            let value = self.run(&format!(
                "try {{ return {expression} }} catch {{ return null }}"
            ));
            if is_right(&value) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Clicks on what a CSS selector names.
    pub fn click(&self, selector: &str) {
        let found = self.ask(
            "element",
            &json!({ "using": "css selector", "value": selector }),
        );
        self.ask(&format!("element/{}/click", id(&found)), &json!({}));
    }

    /// Presses a key, wherever the focus is.
    pub fn press(&self, key: &str) {
        let actions = ["keyDown", "keyUp"].map(|what| json!({ "type": what, "value": key }));
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": actions });
        self.ask("actions", &json!({ "actions": [keyboard] }));
    }

    /// What the console has complained of.
    pub fn complaints(&self) -> Vec<String> {
        let log = self.ask("se/log", &json!({ "type": "browser" }));
        let entries = log.as_array().expect("a list");
        entries.iter().map(Value::to_string).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends the browser with the session. If that fails, there
        // is nothing left to do but to end the driver.
        let _ = ureq::delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// The one value of the object that stands for an element.
fn id(element: &Value) -> &str {
    let fields = element.as_object().expect("an element");
    let id = fields.values().next().and_then(Value::as_str);
    id.expect("with an identity")
}

fn post(url: &str, body: &Value) -> Result<Value, String> {
    let failed = |error: ureq::Error| format!("{url} {body}: {error}");
    let mut answer = ureq::post(url).send_json(body).map_err(failed)?;
    let mut answer: Value = answer.body_mut().read_json().map_err(failed)?;
    Ok(answer["value"].take())
}

/// The port on which the driver says that it listens.
fn port(output: &mut impl BufRead) -> Option<u16> {
    for line in output.lines() {
        let line = line.ok()?;
        if let Some((_, rest)) = line.split_once("successfully on port ") {
            return rest.trim_end_matches('.').parse().ok();
        }
    }
    None
}
