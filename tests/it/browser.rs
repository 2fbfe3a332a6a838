//! The report, in a real browser: headless Chromium, where there is one; named as skipped where there is none.

use std::{
    collections::BTreeSet,
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use casevault::report::Language;

use crate::{
    reports::page,
    supervision::{clinic, export, lines, put},
};

/// A Chromium; without one the test names itself as skipped.
fn chromium(test: &str) -> Option<String> {
    let named = env::var("CASEVAULT_CHROMIUM").ok();
    let names = ["chromium", "chromium-browser", "google-chrome"].map(str::to_owned);
    let is_there = |name: &String| {
        let mut asked = Command::new(name);
        asked.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        asked.status().is_ok_and(|status| status.success())
    };
    let found = named.into_iter().chain(names).find(is_there);
    if found.is_none() {
        // Past the test harness, which keeps what passes to itself.
        writeln!(std::io::stderr(), "SKIPPED {test}: there is no `chromium`").unwrap();
    }
    found
}

struct Browser<'p> {
    name: String,
    place: &'p Path,
}

impl Browser<'_> {
    /// What it prints of a page, with these options; what its console says must be nothing.
    fn open(&self, page: &Path, options: &[String]) -> String {
        let (out, console) = self.open_any(page, options);
        assert_eq!(console, Vec::<String>::new(), "{options:?}");
        out
    }

    /// The same, and what its console says.
    fn open_any(&self, page: &Path, options: &[String]) -> (String, Vec<String>) {
        let mut run = Command::new(&self.name);
        run.args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--enable-logging=stderr",
        ]);
        run.arg(format!("--user-data-dir={}", self.place.join("profile").display())).args(options);
        let output = run.arg(format!("file://{}", page.display())).output().unwrap();
        assert!(output.status.success(), "{options:?}: {}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8_lossy(&output.stderr);
        let console = said.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned);
        (String::from_utf8_lossy(&output.stdout).into_owned(), console.collect())
    }
}

/// The size that a PNG says it has.
fn size(png: &[u8]) -> (u32, u32) {
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    let number = |place: usize| u32::from_be_bytes(png[place..place + 4].try_into().unwrap());
    (number(16), number(20))
}

#[test]
fn the_report_opens_without_a_word_of_the_console() {
    let Some(name) = chromium("the_report_opens_without_a_word_of_the_console") else { return };
    let world = clinic();
    let (sound, bad) = (export(&world), export(&world));
    let mut changed = lines(bad.path());
    changed.remove(3);
    put(bad.path(), &changed);
    let place = tempfile::tempdir().unwrap();
    let browser = Browser { name, place: place.path() };
    let kept = env::var_os("CASEVAULT_SCREENSHOTS").map(PathBuf::from);
    for (kind, directory) in [("sound", &sound), ("bad", &bad)] {
        for language in Language::ALL {
            let (text, _) = page(directory.path(), *language, world.in_days(0));
            let file = place.path().join("report.html");
            fs::write(&file, &text).unwrap();
            let dom = browser.open(&file, &["--dump-dom".to_owned()]);
            assert!(dom.contains("class=\"tools\"") && !text.contains("class=\"tools\""), "the script ran");
            let mut shots = BTreeSet::new();
            for width in [1280, 390] {
                for (look, scheme) in [("light", 1), ("dark", 0)] {
                    let png = place.path().join(format!("{kind}-{}-{width}-{look}.png", language.tag()));
                    let options = [
                        format!("--window-size={width},1600"),
                        format!("--blink-settings=preferredColorScheme={scheme}"),
                        format!("--screenshot={}", png.display()),
                    ];
                    browser.open(&file, &options);
                    let bytes = fs::read(&png).unwrap();
                    assert_eq!(size(&bytes), (width, 1600));
                    if let Some(kept) = &kept {
                        fs::copy(&png, kept.join(png.file_name().unwrap())).unwrap();
                    }
                    assert!(shots.insert(bytes), "light and dark, wide and narrow look different");
                }
            }
            let pdf = place.path().join("report.pdf");
            browser.open(&file, &[format!("--print-to-pdf={}", pdf.display())]);
            assert!(fs::read(&pdf).unwrap().starts_with(b"%PDF-"));
        }
    }
    // What the policy keeps out does not run, and the console says so: silence above means something.
    let (text, _) = page(sound.path(), Language::English, world.in_days(0));
    let file = place.path().join("changed.html");
    fs::write(&file, text.replace("</script>", " </script><p onclick=\"1\" style=\"color:red\">")).unwrap();
    let (dom, console) = browser.open_any(&file, &["--dump-dom".to_owned()]);
    assert!(!dom.contains("class=\"tools\""), "a script that is not the page's own");
    assert!(console.iter().any(|line| line.contains("Content Security Policy")), "{console:?}");
}
