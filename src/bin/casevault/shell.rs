//! What makes a shell at home here: completions, and man pages.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use clap_complete::Shell;
use clap_mangen::Man as Page;

use crate::{
    failure::{Done, Failure},
    screen,
};

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Man {
    /// The folder for a page of each command; without it, the main page goes to stdout.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Completions {
    pub(crate) fn run(self) -> Done {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut crate::line(), "casevault", &mut script);
        screen::write(&script)
    }
}

impl Man {
    pub(crate) fn run(self) -> Done {
        let mut line = crate::line().disable_help_subcommand(true);
        line.build();
        match self.out {
            None => screen::write(&page(&line)?),
            Some(out) => {
                fs::create_dir_all(&out).map_err(|error| Failure::files(&out, "made", &error))?;
                pages(&line, &out)
            }
        }
    }
}

fn pages(command: &clap::Command, out: &Path) -> Done {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let path = out.join(format!("{name}.1"));
    fs::write(&path, page(command)?).map_err(|error| Failure::files(&path, "written", &error))?;
    command.get_subcommands().try_for_each(|under| pages(under, out))
}

fn page(command: &clap::Command) -> Done<Vec<u8>> {
    let mut page = Vec::new();
    let rendered = Page::new(command.clone()).render(&mut page);
    rendered.map_err(|error| Failure::files(Path::new("the page"), "rendered", &error))?;
    Ok(page)
}
