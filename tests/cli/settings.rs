//! Settings: flags beat the environment, which beats the config file; and each is told with where it came from.

use std::fs;

use crate::{
    demo::program,
    stage::{Ran, fed},
};

#[test]
fn a_flag_beats_the_environment_which_beats_the_config_file() {
    let place = tempfile::tempdir().unwrap();
    let home = place.path().join("home");
    fs::create_dir_all(home.join("casevault")).unwrap();
    let config = home.join("casevault/config.toml");
    fs::write(&config, "vault = \"in-config\"\nkey = \"in-config\"\nmemory = \"/in-config\"\n").unwrap();
    let shown = |variables: &[(&str, &str)], flags: &[&str]| {
        let mut command = program(place.path());
        command.args(["config", "show", "--json"]).args(flags).env("XDG_CONFIG_HOME", &home);
        variables.iter().for_each(|(name, value)| {
            command.env(name, value);
        });
        let Ran { code, out, err } = fed(&mut command, b"");
        assert_eq!(code, Some(0), "{err}");
        serde_json::from_str::<serde_json::Value>(&out).unwrap()
    };
    let all = shown(&[("CASEVAULT_VAULT", "in-env"), ("CASEVAULT_KEY", "in-env")], &["--vault", "in-flag"]);
    let of = |name: &str| {
        let text = |member: &str| all[name][member].as_str().unwrap_or_default().to_owned();
        (text("value"), text("origin"))
    };
    assert_eq!(of("vault"), ("in-flag".to_owned(), "flag --vault".to_owned()));
    assert_eq!(of("key"), ("in-env".to_owned(), "environment, CASEVAULT_KEY".to_owned()));
    assert_eq!(of("memory"), ("/in-config".to_owned(), format!("config file {}", config.display())));
    assert!(all["passphrase-file"].is_null());
    // A path in the config file is meant from where that lies; `-` is stdin everywhere.
    fs::write(&config, "vault = \"in-config\"\npassphrase-file = \"-\"\n").unwrap();
    let all = shown(&[], &[]);
    assert_eq!(all["vault"]["value"], home.join("casevault/in-config").to_str().unwrap());
    assert_eq!(all["passphrase-file"]["value"], "-");
    // Of two ways to a passphrase the nearer is gone.
    let all = shown(&[("CASEVAULT_PASSPHRASE_COMMAND", "pass show")], &[]);
    assert_eq!(all["passphrase-command"]["value"], "pass show");
    // The file that is named beats the one in its usual place, by flag or by environment.
    let other = place.path().join("other.toml");
    fs::write(&other, "key = \"other\"\n").unwrap();
    let named = other.to_str().unwrap();
    for all in [shown(&[], &["--config", named]), shown(&[("CASEVAULT_CONFIG", named)], &[])] {
        assert!(all["vault"].is_null() && all["key"]["value"].as_str().unwrap().ends_with("other"), "{all}");
    }
}

#[test]
fn a_config_file_that_is_wrong_says_where_and_is_in_the_way_of_no_other_command() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("config.toml");
    for (text, says) in [
        ("vault = \"a\"\nvolt = \"b\"\n", "there is no setting `volt`"),
        ("vault = 7\n", "vault = \"…\""),
        ("vault = \n", "no TOML"),
        ("passphrase = \"x\"\n", "does not stand in a config file"),
        ("host-passphrase = \"x\"\n", "`host-passphrase-file`"),
    ] {
        fs::write(&path, text).unwrap();
        let Ran { code, out, err } =
            fed(program(place.path()).args(["config", "show", "--config", "config.toml"]), b"");
        assert!(code == Some(1) && out.is_empty() && err.contains(says), "{text}: {err}");
        let Ran { code, .. } =
            fed(program(place.path()).args(["completions", "bash", "--config", "config.toml"]), b"");
        assert_eq!(code, Some(0));
    }
    fs::remove_file(&path).unwrap();
    let Ran { code, err, .. } =
        fed(program(place.path()).args(["config", "show", "--config", "config.toml"]), b"");
    assert!(code == Some(1) && err.contains("check the path"), "{err}");
    let Ran { out, .. } = fed(program(place.path()).args(["config", "show"]), b"");
    assert!(out.contains("# vault is not set") && out.lines().count() == 7, "{out}");
}
