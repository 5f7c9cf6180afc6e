//! A real browser: Debian's Chromium without a window, at the width of a telephone, told what to do by its driver.

use std::future::Future;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use thirtyfour::prelude::*;

use crate::tools::Folder;

/// The browser's driver, and the folder into which the browser saves what is downloaded.
pub struct Browser {
    driver: Child,
    port: u16,
    downloads: Folder,
}

impl Browser {
    /// Starts the driver on a port of its own choice.
    pub fn start() -> Self {
        let downloads = Folder::new();
        let scraps = downloads.0.join("scraps");
        std::fs::create_dir(&scraps).expect("a folder");
        let mut driver = Command::new("chromedriver")
            .args(["--port=0", "--log-level=SEVERE"])
            .env("TMPDIR", scraps)
            .stdout(Stdio::piped())
            .spawn()
            .expect("chromedriver (apt-get install chromium chromium-driver)");
        let out = BufReader::new(driver.stdout.take().expect("a pipe"));
        let port = out
            .lines()
            .map_while(Result::ok)
            .find_map(|line| {
                let told = line.split_once("started successfully on port ")?.1;
                told.trim_end_matches('.').parse().ok()
            })
            .expect("the driver tells its port");
        Self { driver, port, downloads }
    }

    /// Does something in a new window, which is closed after it.
    pub fn visit<T, F: Future<Output = WebDriverResult<T>>>(
        &self,
        story: impl FnOnce(WebDriver) -> F,
    ) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let window = self.window().await.expect("a window");
            let done = story(window.clone()).await;
            if done.is_err() {
                let shot = self.downloads.0.join("failed.png");
                let _ = window.screenshot(&shot).await;
                eprintln!("{}", window.source().await.unwrap_or_default());
            }
            window.quit().await.expect("the window closes");
            done.expect("the story in the browser")
        })
    }

    async fn window(&self) -> WebDriverResult<WebDriver> {
        let mut wishes = DesiredCapabilities::chrome();
        for flag in [
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--window-size=390,844",
        ] {
            wishes.add_arg(flag)?;
        }
        // The sandbox's own TLS authority is nobody's.
        wishes.accept_insecure_certs(true)?;
        let folder = self.downloads.0.display().to_string();
        wishes.add_experimental_option(
            "prefs",
            serde_json::json!({
                "download.default_directory": folder, "download.prompt_for_download": false
            }),
        )?;
        WebDriver::new(format!("http://127.0.0.1:{}", self.port), wishes).await
    }

    /// A downloaded file, once it is whole.
    pub async fn downloaded(&self, ending: &str) -> PathBuf {
        for _ in 0..1_000 {
            let files = std::fs::read_dir(&self.downloads.0).expect("a folder").flatten();
            let mut paths = files.map(|file| file.path());
            if let Some(path) = paths.find(|path| path.to_string_lossy().ends_with(ending)) {
                return path;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("no file {ending} was downloaded");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Told to, it ends its browsers as well; killed it would leave them behind.
        let url = format!("http://127.0.0.1:{}/shutdown", self.port);
        let told = reqwest::blocking::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(10))
            .build()
            .and_then(|client| client.get(url).send());
        if told.is_err() {
            let _ = self.driver.kill();
        }
        let _ = self.driver.wait();
    }
}

/// Whether an error is that of a page which is just being left.
fn passes(error: &WebDriverError) -> bool {
    use thirtyfour::error::WebDriverErrorInner::{NoSuchElement, StaleElementReference};
    matches!(**error, StaleElementReference(_) | NoSuchElement(_))
}

/// Waits until an element says what it should: a page that a form or a script leads to is not there at the moment of the
/// click, and what was found on the page before it is stale.
pub async fn says(window: &WebDriver, css: &str, words: &str) -> WebDriverResult<()> {
    let mut said = String::new();
    for _ in 0..1_000 {
        let read = async { window.find(By::Css(css)).await?.text().await }.await;
        match read {
            Ok(text) if text.contains(words) => return Ok(()),
            Ok(text) => said = text,
            Err(error) if passes(&error) => {}
            Err(error) => return Err(error),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{css} says {said:?} and not {words:?}");
}

/// Nothing is wider than the window: nobody has to scroll sideways.
pub async fn fits(window: &WebDriver) -> WebDriverResult<()> {
    let script = "return [document.documentElement.scrollWidth, window.innerWidth]";
    let widths: Vec<i64> = window.execute(script, Vec::new()).await?.convert()?;
    assert!(widths[0] <= widths[1], "the page is {} wide in {}", widths[0], widths[1]);
    Ok(())
}
