//! A house of one's own at the shell: secrets, the ceremony, configurations, `serve` and `worker`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;
use store::Database;
use store::testing::TestDb;

use crate::cli::{chancery, json, refusal, refused, word};
use crate::kit::{Answer, Csr, Form, Sandbox, fresh_name};
use crate::tools::{Folder, openssl};
use crate::with_each;

#[test]
fn secrets_come_from_descriptors_that_were_given() {
    let sandbox = Sandbox::shared(Database::Sqlite);
    let [flag, place] = sandbox.place();
    let name = fresh_name("descriptor");
    for fd in ["3", "5", "9", "4000000000"] {
        let create = ["account", "create", &name, "--password-fd", fd, &flag, &place];
        refused(&create, &format!("file descriptor {fd} is not open"));
    }
    refused(&["account", "show", &name, &flag, &place], "there is no account");
    refused(&["account", "create", &name, "--credit-limit", "-5", &flag, &place], "zero or more");
    refused(&["account", "create", &name, "--credit-limit", "5.", &flag, &place], "12.50");
}

/// The CAs of every test of `serve`: made once.
fn ceremony() -> &'static Path {
    static CAS: OnceLock<Folder> = OnceLock::new();
    &CAS.get_or_init(|| {
        let folder = Folder::new();
        folder.write("passphrase", format!("{PASSPHRASE}\n"));
        let output = hold_ceremony(&folder.0, &["--json"]);
        let made = json(&output);
        assert_eq!(made.as_array().map(Vec::len), Some(38));
        crate::kit::swept_later(&folder.0, None);
        folder
    })
    .0
}

const PASSPHRASE: &str = "correct horse battery staple";

/// With the passphrase in `folder/passphrase` and the CAs in `folder/keys`.
fn hold_ceremony(folder: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chancery"))
        .args(["ceremony", "--organization", "Test Trust", "--country", "GB", "--rsa-bits", "2048"])
        .args(["--base-url", "http://pki.example.com", "--dir"])
        .arg(folder.join("keys"))
        .args(more)
        .env("CHANCERY_PASSPHRASE_FILE", folder.join("passphrase"))
        .output()
        .expect("the program starts")
}

#[test]
fn a_ceremony_held_twice_changes_nothing_and_adds_what_is_missing() {
    let folder = Folder::new();
    copy(&ceremony().join("keys"), &folder.0.join("keys"));
    folder.write("passphrase", PASSPHRASE);
    let before = contents(&folder.0);
    let again = hold_ceremony(&folder.0, &[]);
    let text = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(text.contains("0 made, 38 were there."), "{text}");
    assert!(contents(&folder.0) == before);

    let keys = folder.0.join("keys");
    let roots =
        [keys.join("roots.pem"), keys.join("test-roots.pem")].map(|p| p.display().to_string());
    for ca in json(&hold_ceremony(&folder.0, &["--json"])).as_array().expect("CAs") {
        let name = word(&ca["name"]);
        let file = keys.join(format!("ca/{name}.crt.pem")).display().to_string();
        let roots = &roots[usize::from(name.starts_with("test-"))];
        let (good, words) = openssl(&["verify", "-x509_strict", "-CAfile", roots, &file]);
        assert!(good, "{words}");
        let (_, shown) =
            openssl(&["x509", "-noout", "-serial", "-fingerprint", "-sha256", "-in", &file]);
        assert!(shown.contains(&format!("serial={}", word(&ca["serial"]))), "{shown} {ca}");
        assert!(
            shown.replace(':', "").contains(&word(&ca["sha256"]).to_uppercase()),
            "{shown} {ca}"
        );
    }

    // As an older version would have left it: without the last CA.
    let index = std::fs::read_to_string(keys.join("ca/index.toml")).expect("the index");
    let cut = index.rfind("[[ca]]").expect("a CA");
    std::fs::write(keys.join("ca/index.toml"), &index[..cut]).expect("the index");
    // While its key is there, none is made in its place.
    refusal(&hold_ceremony(&folder.0, &[]), "restore the index");
    let name =
        index[cut..].lines().find_map(|line| line.strip_prefix("name = \"")).expect("a name");
    for ending in ["key", "crt"] {
        let file = format!("ca/{}.{ending}.pem", name.trim_end_matches('"'));
        std::fs::remove_file(keys.join(file)).expect("its file");
    }
    let added = json(&hold_ceremony(&folder.0, &["--json"]));
    let new: Vec<&Value> =
        added.as_array().expect("CAs").iter().filter(|ca| ca["new"] == true).collect();
    assert_eq!(new.len(), 1);
    assert_eq!(added.as_array().map(Vec::len), Some(38));

    folder.write("passphrase", "something else");
    refusal(&hold_ceremony(&folder.0, &[]), "wrong passphrase");
    folder.write("passphrase", "short");
    std::fs::remove_dir_all(&keys).expect("the keys");
    refusal(&hold_ceremony(&folder.0, &[]), "at least 8 characters");
}

with_each!(a_house_serves_from_a_configuration);

fn a_house_serves_from_a_configuration(database: Database) {
    let db = TestDb::new(database);
    let house = Folder::new();
    let config = configure(&house, &db.address(), "strict_servers = true");
    let first = make_tls(&house);
    let serving = Serving::start(&["serve", "--config", &config]);
    let url = format!("https://localhost:{}/products/!AutoApplySSL", serving.port("listen"));

    let made = json(&chancery(&[
        "account",
        "create",
        "shop",
        "--credit-limit",
        "160",
        "--config",
        &config,
        "--json",
    ]));
    let form = Form::order(488, &Csr::new("www.example.com"))
        .set("loginName", "shop")
        .set("loginPassword", &word(&made["password"]));
    let placed = ask(&first, &url, &form).expect("an answer");
    let order = Answer::read(&placed).order_number();
    let details = json(&chancery(&["order", "show", &order, "--config", &config, "--json"]));
    assert_eq!(details["state"], "awaiting_validation");

    // It has no mail server: mails are kept, and no try is counted.
    let by_mail = Form::order(488, &Csr::new("mail.example.com"))
        .set("loginName", "shop")
        .set("loginPassword", &word(&made["password"]))
        .set("dcvMethod", "EMAIL")
        .set("dcvEmailAddress", "admin@mail.example.com");
    Answer::read(&ask(&first, &url, &by_mail).expect("an answer")).order_number();

    // This house wants to know for how many servers a wildcard is.
    let wildcard = Form::order(489, &Csr::new("*.example.com"))
        .set("loginName", "shop")
        .set("loginPassword", &word(&made["password"]));
    let asked = |form: &Form| Answer::read(&ask(&first, &url, form).expect("an answer"));
    asked(&wildcard).refused(-3, "The 'servers' argument is missing!");
    asked(&wildcard.clone().set("servers", "101"))
        .refused(-4, "The value of the 'servers' argument is invalid!");
    asked(&wildcard.set("servers", "2")).refused(-15, "Not enough credit!");

    // What certificates name is alive.
    let plain = format!("http://127.0.0.1:{}/crl/public-root.crl", serving.port("listen_http"));
    let list = reqwest::blocking::get(plain).expect("an answer");
    assert_eq!(list.status(), 200);

    // Another certificate is taken while it runs.
    let second = make_tls(&house);
    assert!(ask(&second, &url, &form).is_none());
    serving.signal("HUP");
    let start = Instant::now();
    while ask(&second, &url, &form).is_none() {
        assert!(start.elapsed() < Duration::from_secs(20), "the new certificate is not taken");
        std::thread::sleep(Duration::from_millis(50));
    }

    if database == Database::Sqlite {
        let folder = Path::new(&db.address()).parent().expect("a folder").to_owned();
        let files = crate::private_files::rights(&folder);
        let file = rusqlite::Connection::open(db.address()).expect("the file");
        let waiting = "SELECT state, attempts FROM jobs WHERE kind = 'mail'";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
        assert_eq!(file.query_row(waiting, [], read).expect("one job"), (0, 0));
        assert!(files.len() >= 3 && files.iter().all(|(_, mode)| *mode == 0o600), "{files:?}");
    }

    // One process serves from a SQLite file; any number from PostgreSQL.
    match database {
        Database::Sqlite => {
            let output = with_passphrase(&["worker", "--config", &config]).output().expect("it");
            refusal(&output, "in use by another process");
        }
        Database::Postgres => {
            let worker = Serving::start(&["worker", "--config", &config]);
            // It has nothing to read again, and goes on.
            worker.signal("HUP");
            assert!(worker.stop());
        }
    }
    assert!(serving.stop());
}

/// A reload is sent to every unit alike, also where a proxy does TLS.
#[test]
fn a_house_without_tls_goes_on_after_a_reload() {
    let house = Folder::new();
    let db = TestDb::new(Database::Sqlite);
    let config = configure(&house, &db.address(), "trusted_proxies = [\"127.0.0.1\"]");
    let config = house.write("plain.toml", without_tls(&config));
    let serving = Serving::start(&["serve", "--config", &config]);
    serving.signal("HUP");
    assert!(serving.stop());
}

#[test]
fn a_house_gives_itself_its_tls_certificate() {
    let house = Folder::new();
    let db = TestDb::new(Database::Sqlite);
    let config = configure(&house, &db.address(), "");
    let text = without_tls(&config).replace("https://ca.example.com", "https://localhost");
    let config = house.write("own.toml", format!("tls = \"own-ca\"\n{text}"));
    let checked = chancery(&["config", "check", &config]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let serving = Serving::start(&["serve", "--config", &config]);
    let roots = house.0.join("keys/roots.pem");
    let shown = || {
        let script = format!(
            "openssl s_client -connect 127.0.0.1:{} -servername localhost -verify_hostname localhost \
             -verify_return_error -CAfile '{}' </dev/null 2>/dev/null |
             openssl x509 -noout -serial -dates -subject -issuer -ext subjectAltName,extendedKeyUsage",
            serving.port("listen"),
            roots.display()
        );
        let output = Command::new("sh").args(["-c", &script]).output().expect("sh");
        String::from_utf8(output.stdout).expect("text")
    };
    let first = shown();
    for word in ["DNS:localhost", "TLS Web Server Authentication", "Private OV EC CA"] {
        assert!(first.contains(word), "{word}: {first}");
    }
    let bundle = std::fs::read(&roots).expect("roots");
    let client = reqwest::blocking::Client::builder()
        .tls_certs_only(reqwest::Certificate::from_pem_bundle(&bundle).expect("roots"))
        .resolve("localhost", std::net::SocketAddr::from(([127, 0, 0, 1], 0)))
        .no_proxy()
        .build()
        .expect("a client");
    let url = format!("https://localhost:{}/healthz", serving.port("listen"));
    assert_eq!(client.get(url).send().expect("an answer").status(), 200);

    // Another one while it runs.
    serving.signal("HUP");
    let start = Instant::now();
    while shown() == first {
        assert!(start.elapsed() < Duration::from_secs(20), "no other certificate");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(shown().contains("DNS:localhost"));
    assert!(serving.stop());

    let bad = house.write("bad.toml", format!("tls = \"own\"\n{text}"));
    refusal(&chancery(&["config", "check", &bad]), "own-ca");
}

#[test]
fn a_configuration_that_cannot_work_does_not_start() {
    const MAIL: &str =
        "[mail]\nhost = \"\"\nport = 25\ntls = \"none\"\nfrom = \"ca@example.com\"\n[dns]";
    let house = Folder::new();
    make_tls(&house);
    let database = house.0.join("none.sqlite").display().to_string();
    let config = configure(&house, &database, "");
    assert!(chancery(&["config", "check", &config]).status.success());
    let text = std::fs::read_to_string(&config).expect("the file");
    for (good, bad, words) in [
        ("http://pki.example.com", "http://localhost", "public DNS name"),
        ("http://pki.example.com", "http://127.0.0.1:8080", "public DNS name"),
        ("http://pki.example.com", "https://pki.example.com", "plain http://"),
        ("public_url = \"https:", "public_url = \"http:", "write https://"),
        ("tls.pem", "nothing.pem", "nothing.pem"),
        ("[tls]", "sandbox = true\n[tls]", "unknown field"),
        ("\"Test Trust\"", "\"\"", "1 to 32 characters"),
        ("/keys\"", "/nowhere\"", "chancery ceremony"),
        ("http://pki.example.com", "http://pki.example.com/sub", "without a port or a path"),
        ("listen = \"127.0.0.1:0\"", "listen = \"localhost:1\"", "write it like 192.0.2.1:443"),
        ("127.0.0.1:9", "192.0.2.1", "write it like 192.0.2.1:443"),
        ("[dns]", MAIL, "the server's host and port"),
        ("\"tls.key\"", "\"tls.pem\"", "the leaf's key"),
        ("none.sqlite", "none/none.sqlite", "make it"),
    ] {
        assert!(text.contains(good), "{good} in {text}");
        let file = house.write("bad.toml", text.replace(good, bad));
        let output = with_passphrase(&["serve", "--config", &file]).output().expect("it");
        refusal(&output, words);
    }
    assert!(!Path::new(&database).exists());

    // Without a word, and with a wrong one.
    let mut asked = Command::new(env!("CARGO_BIN_EXE_chancery"));
    asked.args(["serve", "--config", &config]).stdin(Stdio::null());
    refusal(&asked.output().expect("it"), "--passphrase-fd");
    let wrong = house.write("wrong", "something else");
    let mut asked = Command::new(env!("CARGO_BIN_EXE_chancery"));
    asked.args(["serve", "--config", &config]).env("CHANCERY_PASSPHRASE_FILE", wrong);
    refusal(&asked.output().expect("it"), "wrong passphrase");

    // As systemd hands it over: right, so that it goes on to the next obstacle.
    house.write("ca-passphrase", PASSPHRASE);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("a port").port();
    let text = text.replace("listen = \"127.0.0.1:0\"", &format!("listen = \"127.0.0.1:{port}\""));
    let file = house.write("taken.toml", text);
    let mut asked = Command::new(env!("CARGO_BIN_EXE_chancery"));
    asked.args(["serve", "--config", &file]).env("CREDENTIALS_DIRECTORY", &house.0);
    refusal(&asked.output().expect("it"), "cannot listen on");
}

#[test]
fn the_program_explains_itself() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = chancery(&["completions", shell]);
        assert!(output.status.success());
        assert!(String::from_utf8_lossy(&output.stdout).contains("ceremony"), "{shell}");
    }
    for command in [
        "serve",
        "worker",
        "ceremony",
        "account",
        "product",
        "order",
        "certificate",
        "job",
        "audit",
        "template",
    ] {
        let help = chancery(&[command, "--help"]);
        assert!(String::from_utf8_lossy(&help.stdout).contains("Example"), "{command}");
    }
    let example = chancery(&["config", "example"]);
    assert!(String::from_utf8_lossy(&example.stdout).contains("pki_base_url"));
    refused(&["account", "list"], "--config FILE");
    refused(&["account", "list", "--dir", "/nonexistent"], "store.sqlite");
    refused(&["account", "list", "--database", "/nonexistent"], "no database");
    let products = json(&chancery(&["product", "list", "--json"]));
    assert!(products.as_array().is_some_and(|p| p.iter().any(|p| p["code"] == 488)));
    let folder = Folder::new();
    let file = folder.write("products.toml", "price = []\nproduct = []\nlogo = [ {} ]\n");
    refused(&["product", "check", &file], "products.toml");
}

/// A configuration on free ports, with the CAs of [`ceremony`]; gives its path.
pub fn configure(house: &Folder, database: &str, more: &str) -> String {
    let keys = house.0.join("keys");
    if !keys.exists() {
        copy(&ceremony().join("keys"), &keys);
    }
    house.write(
        "chancery.toml",
        format!(
            "listen = \"127.0.0.1:0\"\nlisten_http = \"127.0.0.1:0\"\n\
             public_url = \"https://ca.example.com\"\npki_base_url = \"http://pki.example.com\"\n\
             database = \"{database}\"\nca_dir = \"{}\"\norganization = \"Test Trust\"\n\
             country = \"GB\"\nrsa_bits = 2048\n{more}\n[tls]\ncertificate = \"tls.pem\"\n\
             key = \"tls.key\"\n[dns]\nservers = [\"127.0.0.1:9\"]\ndnssec = \"off\"\n",
            keys.display()
        ),
    )
}

/// The text of such a configuration without its section about TLS.
fn without_tls(config: &str) -> String {
    let text = std::fs::read_to_string(config).expect("the file");
    let (before, files) = text.split_once("[tls]\n").expect("the section");
    let (_, after) = files.split_once("[dns]").expect("the next one");
    format!("{before}[dns]{after}")
}

/// Makes `tls.pem` and `tls.key` for localhost and gives the certificate.
pub fn make_tls(house: &Folder) -> Vec<u8> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a key");
    house.write("tls.key", made.signing_key.serialize_pem());
    house.write("tls.pem", made.cert.pem());
    made.cert.pem().into_bytes()
}

/// Posts a form to a server with that certificate; None when it has another.
pub fn ask(certificate: &[u8], url: &str, form: &Form) -> Option<String> {
    let trusted = reqwest::Certificate::from_pem(certificate).expect("a certificate");
    let client = reqwest::blocking::Client::builder()
        .tls_certs_only([trusted])
        .resolve("localhost", std::net::SocketAddr::from(([127, 0, 0, 1], 0)))
        .no_proxy()
        .build()
        .expect("a client");
    client.post(url).form(&form.0).send().ok().map(|r| r.text().expect("text"))
}

/// A `serve` or `worker` that says when it is ready.
pub struct Serving {
    child: Child,
    ready: Value,
}

impl Serving {
    /// Starts it.
    pub fn start(arguments: &[&str]) -> Self {
        let mut command = with_passphrase(arguments);
        command.args(["--log-json"]).env("CHANCERY_LOG", "info").stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let mut lines = lines.map_while(Result::ok).inspect(|line| eprintln!("{line}"));
        let ready = lines.by_ref().find_map(|line| {
            let line: Value = serde_json::from_str(&line).ok()?;
            let message = line["fields"]["message"].as_str()?;
            ["serving", "working"].contains(&message).then(|| line["fields"].clone())
        });
        let ready = ready.expect("it serves; its words are above");
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, ready }
    }

    /// The port of `listen` or `listen_http`.
    pub fn port(&self, listener: &str) -> u16 {
        let address: std::net::SocketAddr = word(&self.ready[listener]).parse().expect("address");
        address.port()
    }

    fn signal(&self, name: &str) {
        let kill =
            Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status();
        assert!(kill.expect("sh").success());
    }

    /// Stops it and says whether it ended well.
    fn stop(mut self) -> bool {
        // A worker may be told before it listens to signals.
        std::thread::sleep(Duration::from_millis(200));
        self.signal("TERM");
        self.child.wait().expect("it ends").success()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn with_passphrase(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chancery"));
    command.args(arguments).env("CHANCERY_PASSPHRASE_FILE", ceremony().join("passphrase"));
    command
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-r").args([from, to]).status();
    assert!(status.expect("cp").success());
}

/// Every file below a folder.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.insert(path.display().to_string(), std::fs::read(&path).expect("a file"));
        }
    }
    found
}
