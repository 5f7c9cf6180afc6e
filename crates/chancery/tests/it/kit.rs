//! What stories are told with: a running sandbox on either database, calls as a partner makes them, CSRs, proofs.
//!
//! One sandbox per database serves every story that does not turn the clock or stop the process: stories keep out of each
//! other's way by names that nobody else uses ([`fresh_name`]). It ends with the test process, whose end of the pipe it
//! watches.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sha2::Sha256;
use store::Database;
use store::testing::TestDb;

/// Makes of each story `fn story(sandbox: &Sandbox)` two tests, one on each database.
#[macro_export]
macro_rules! on_both {
    ($($story:ident),+ $(,)?) => {
        mod sqlite { $(#[test] fn $story() { super::$story($crate::kit::Sandbox::shared(store::Database::Sqlite)); })+ }
        mod postgres { $(#[test] fn $story() { super::$story($crate::kit::Sandbox::shared(store::Database::Postgres)); })+ }
    };
}

/// Makes of each story `fn story(database: Database)` two tests, one with each database: for stories that start a house themselves.
#[macro_export]
macro_rules! with_each {
    ($($story:ident),+ $(,)?) => {
        mod with_sqlite { $(#[test] fn $story() { super::$story(store::Database::Sqlite); })+ }
        mod with_postgres { $(#[test] fn $story() { super::$story(store::Database::Postgres); })+ }
    };
}

/// A running sandbox.
pub struct Sandbox {
    child: Child,
    /// The ready line.
    pub ready: Value,
    /// Its folder.
    pub dir: PathBuf,
    http: reqwest::blocking::Client,
    _database: Option<TestDb>,
}

impl Sandbox {
    /// The one that most stories share.
    pub fn shared(database: Database) -> &'static Sandbox {
        static SQLITE: OnceLock<Sandbox> = OnceLock::new();
        static POSTGRES: OnceLock<Sandbox> = OnceLock::new();
        let place = if database == Database::Sqlite { &SQLITE } else { &POSTGRES };
        place.get_or_init(|| Sandbox::start_kept(database))
    }

    /// One that is never dropped: its folder is removed when the test process has ended.
    pub fn start_kept(database: Database) -> Sandbox {
        let sandbox = Sandbox::start(database);
        swept_later(&sandbox.dir, Some(sandbox.pid()));
        sandbox
    }

    /// One of its own, in a new folder, on a new database.
    pub fn start(database: Database) -> Sandbox {
        Self::start_with(database, &[])
    }

    /// The same with more arguments.
    pub fn start_with(database: Database, more: &[&str]) -> Sandbox {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let unique = format!("{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let dir = std::env::temp_dir().join(format!("chancery-test-{unique}"));
        let _ = std::fs::remove_dir_all(&dir);
        let db = (database == Database::Postgres).then(|| TestDb::new(Database::Postgres));
        Self::launch(&dir, db, more)
    }

    /// Starts the program on a folder (and a PostgreSQL database).
    pub fn launch(dir: &Path, database: Option<TestDb>, more: &[&str]) -> Sandbox {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chancery"));
        command.args(["sandbox", "--until-eof", "--dir"]).arg(dir).args(more);
        if let Some(database) = &database {
            command.args(["--database", &database.address()]);
        }
        command.env("CHANCERY_LOG", "warn").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("a pipe");
        BufReader::new(out).read_line(&mut line).expect("a ready line");
        let ready: Value = serde_json::from_str(&line).expect("the ready line is JSON");
        assert_eq!(ready["ready"], true);
        let ca = std::fs::read(ready["tls_ca"].as_str().expect("tls_ca")).expect("tls_ca");
        let ca = reqwest::Certificate::from_pem(&ca).expect("tls_ca");
        let http = reqwest::blocking::Client::builder()
            .tls_certs_only([ca])
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(60))
            .no_proxy()
            .build()
            .expect("a client");
        Sandbox { child, ready, dir: dir.to_owned(), http, _database: database }
    }

    /// Sends SIGKILL and goes on at once.
    pub fn kill_now(&self) {
        let killed = Command::new("kill").args(["-9", &self.pid().to_string()]).status();
        assert!(killed.expect("kill").success());
    }

    /// [`Sandbox::call`], or None when no answer comes.
    pub fn try_call(&self, path: &str, form: &Form) -> Option<Answer> {
        let url = format!("{}/products/{path}", self.at("api"));
        let form = form.clone().login(self, "reseller");
        let response = self.http.post(url).form(&form.0).send().ok()?;
        Some(Answer::read(&response.text().ok()?))
    }

    /// [`Sandbox::publish_cname`] without a unique value; false when no answer comes.
    pub fn try_publish_cname(&self, csr: &Csr, name: &str) -> bool {
        let url = format!("{}/set-cname", self.at("control"));
        let body =
            json!({ "host": format!("_{}.{name}", csr.md5), "target": csr.cname_target(None) });
        self.http.post(url).json(&body).send().is_ok()
    }

    /// Kills the process (SIGKILL) and gives back its folder and database, for another start.
    pub fn kill(mut self) -> (PathBuf, Option<TestDb>) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        (std::mem::take(&mut self.dir), self._database.take())
    }

    /// Rows of the database, each column as text: a look behind the scenes that changes nothing.
    pub fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        match &self._database {
            Some(database) => {
                let mut client = postgres::Client::connect(&database.address(), postgres::NoTls)
                    .expect("the database");
                let rows = client.query(sql, &[]).expect(sql);
                let text = |row: &postgres::Row, i| row.get::<_, Option<String>>(i);
                rows.iter()
                    .map(|row| (0..row.len()).map(|i| text(row, i).unwrap_or_default()).collect())
                    .collect()
            }
            None => {
                let path = self.dir.join("store.sqlite");
                let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
                let file = rusqlite::Connection::open_with_flags(path, flags).expect("the file");
                file.busy_timeout(Duration::from_secs(10)).expect("a timeout");
                let mut statement = file.prepare(sql).expect(sql);
                let columns = statement.column_count();
                let read = |row: &rusqlite::Row<'_>| {
                    (0..columns)
                        .map(|i| Ok(row.get::<_, Option<String>>(i)?.unwrap_or_default()))
                        .collect::<Result<Vec<String>, rusqlite::Error>>()
                };
                let rows = statement.query_map([], read).expect(sql);
                rows.collect::<Result<_, _>>().expect(sql)
            }
        }
    }

    /// Changes a row behind the house's back: for states that else last for milliseconds.
    pub fn change(&self, sql: &str) {
        let changed = match &self._database {
            Some(database) => {
                let mut client = postgres::Client::connect(&database.address(), postgres::NoTls)
                    .expect("the database");
                client.execute(sql, &[]).expect(sql)
            }
            None => {
                let path = self.dir.join("store.sqlite");
                let file = rusqlite::Connection::open(path).expect("the file");
                file.busy_timeout(Duration::from_secs(10)).expect("a timeout");
                u64::try_from(file.execute(sql, []).expect(sql)).expect("a count")
            }
        };
        assert_eq!(changed, 1, "{sql}");
        // What another process has written is seen after a millisecond, not at once (`FRESH` in the store).
        std::thread::sleep(Duration::from_millis(2));
    }

    /// Runs the command line beside the sandbox, on its database, and gives its JSON.
    pub fn operator(&self, arguments: &[&str]) -> Value {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chancery"));
        command.args(arguments).arg("--json").env("CHANCERY_LOG", "warn");
        match &self._database {
            Some(database) => command.args(["--database", &database.address()]),
            None => command.arg("--dir").arg(&self.dir),
        };
        let output = command.output().expect("the program starts");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// The number of a CA by its name, like `test-public-dv-ec`.
    pub fn ca(&self, name: &str) -> String {
        let index = std::fs::read_to_string(self.dir.join("keys/ca/index.toml")).expect("the CAs");
        let index: toml::Table = index.parse().expect("TOML");
        let cas = index["ca"].as_array().expect("CAs");
        let found = cas.iter().find(|ca| ca["name"].as_str() == Some(name)).expect(name);
        found["id"].to_string()
    }

    /// Whether its database is PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        self._database.is_some()
    }

    /// The first column of the first row.
    #[track_caller]
    pub fn value(&self, sql: &str) -> String {
        self.rows(sql).first().and_then(|row| row.first().cloned()).expect(sql)
    }

    /// Which house it is, for the operator's commands.
    pub fn place(&self) -> [String; 2] {
        match &self._database {
            Some(database) => ["--database".to_owned(), database.address()],
            None => ["--dir".to_owned(), self.dir.display().to_string()],
        }
    }

    /// Process number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// An address of the ready line: `api`, `http`, `web`, `control`, …
    pub fn at(&self, what: &str) -> String {
        self.ready[what].as_str().expect("an address").to_owned()
    }

    /// The HTTP client that trusts the sandbox's TLS.
    pub fn http(&self) -> &reqwest::blocking::Client {
        &self.http
    }

    /// loginName and loginPassword of a demo account.
    pub fn login(&self, role: &str) -> [(String, String); 2] {
        let accounts = self.ready["accounts"].as_array().expect("accounts");
        let found = accounts.iter().find(|a| a["role"] == role).expect("a demo account");
        let text = |key: &str| found[key].as_str().expect("text").to_owned();
        [
            ("loginName".to_owned(), text("loginName")),
            ("loginPassword".to_owned(), text("loginPassword")),
        ]
    }

    /// Posts a form to an endpoint path like `!AutoApplySSL` or `download/CollectSSL`, as it is, and gives the body.
    /// Every answer has the HTTP status 200.
    pub fn post(&self, path: &str, form: &Form) -> String {
        let url = format!("{}/products/{path}", self.at("api"));
        let response = self.http.post(url).form(&form.0).send().expect("an answer");
        assert_eq!(response.status(), 200);
        response.text().expect("text")
    }

    /// The same with the reseller's login put before, the answer read as URL-encoded pairs.
    pub fn call(&self, path: &str, form: &Form) -> Answer {
        Answer::read(&self.post(path, &form.clone().login(self, "reseller")))
    }

    /// A call of the control API.
    pub fn control(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.at("control"));
        let response = self.http.post(url).json(body).send().expect("an answer");
        let status = response.status();
        let text = response.text().expect("text");
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// A GET of the control API.
    pub fn control_get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.at("control"));
        self.http.get(url).send().expect("an answer").json().expect("JSON")
    }

    /// Publishes the CNAME proof of a CSR below a name.
    pub fn publish_cname(&self, csr: &Csr, name: &str, unique: Option<&str>) {
        let target = csr.cname_target(unique);
        self.control(
            "/set-cname",
            &json!({ "host": format!("_{}.{name}", csr.md5), "target": target }),
        );
    }

    /// Publishes the file proof of a CSR on a host. `scheme` is http, https or both.
    pub fn publish_file(&self, csr: &Csr, scheme: &str, host: &str, unique: Option<&str>) {
        let path = format!("/.well-known/pki-validation/{}.txt", csr.md5.to_uppercase());
        let mut content = format!("{}\nsectigo.com\n", csr.sha256);
        if let Some(unique) = unique {
            content.push_str(unique);
        }
        self.control(
            "/add-file",
            &json!({ "scheme": scheme, "host": host, "path": path, "content": content }),
        );
    }

    /// What a URL of a certificate leads to: the plain-HTTP listener serves it for any Host header.
    pub fn fetch(&self, url: &str) -> Option<Vec<u8>> {
        let url = reqwest::Url::parse(url).expect("a URL");
        let host = url.host_str().expect("a host").to_owned();
        let here = format!("{}{}", self.at("http"), url.path());
        let response = self.http.get(here).header("Host", host).send().expect("an answer");
        response.status().is_success().then(|| response.bytes().expect("bytes").to_vec())
    }

    /// Mails to an address, newest first.
    pub fn mailbox(&self, to: &str) -> Vec<Value> {
        let found = self.control_get(&format!("/mailbox?to={}", to.replace('+', "%2B")));
        found.as_array().cloned().unwrap_or_default()
    }

    /// Waits (polling, 20 s at most) until the question gives something.
    pub fn wait_for<T>(&self, what: &str, question: impl FnMut() -> Option<T>) -> T {
        self.wait_within(Duration::from_secs(20), what, question)
    }

    /// The same for what may take another time.
    pub fn wait_within<T>(
        &self,
        patience: Duration,
        what: &str,
        mut question: impl FnMut() -> Option<T>,
    ) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = question() {
                return found;
            }
            assert!(start.elapsed() < patience, "waited in vain for {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Polls CollectSSL (responseFormat=1, queryType=1) until the certificate is attached.
    pub fn collect(&self, order: &str) -> Answer {
        let form =
            Form::new(&[("orderNumber", order), ("queryType", "1"), ("responseFormat", "1")]);
        self.wait_for(&format!("order {order}"), || {
            let answer = self.call("download/CollectSSL", &form);
            // Waiting, or being signed at this moment.
            (!["0", "-26"].contains(&answer.get("errorCode"))).then_some(answer)
        })
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !self.dir.as_os_str().is_empty() {
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}

/// Removes a folder when this test process and then the one that works in it have ended: what is shared by all tests is
/// never dropped.
pub fn swept_later(folder: &Path, worker: Option<u32>) {
    const SWEEP: &str = "trap '' INT HUP TERM; cat; i=0; while kill -0 \"$1\" 2>/dev/null && [ $i -lt 100 ]; do i=$((i + 1)); sleep 0.1; done
        rm -rf \"$0\"";
    let mut sweeper = Command::new("sh");
    sweeper
        .args(["-c", SWEEP])
        .arg(folder)
        .arg(worker.map_or("none".to_owned(), |pid| pid.to_string()));
    sweeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // Its standard input ends with this process.
    std::mem::forget(sweeper.spawn().expect("sh"));
}

/// A form in the making.
#[derive(Clone, Debug, Default)]
pub struct Form(pub Vec<(String, String)>);

impl Form {
    /// From pairs.
    pub fn new(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    /// An order of one DV certificate for a year by CNAME, answered as URL-encoded pairs.
    pub fn order(product: i64, csr: &Csr) -> Self {
        Self::new(&[
            ("product", &product.to_string()),
            ("days", "365"),
            ("serverSoftware", "-1"),
            ("csr", &csr.pem),
            ("dcvMethod", "CNAME_CSR_HASH"),
            ("emailAddress", "none"),
            ("responseFormat", "1"),
        ])
    }

    /// With a demo account's login, unless one is there.
    pub fn login(mut self, sandbox: &Sandbox, role: &str) -> Self {
        if !self.0.iter().any(|(k, _)| k.eq_ignore_ascii_case("loginName")) {
            let login = sandbox.login(role);
            self.0.splice(0..0, login);
        }
        self
    }

    /// With a parameter set, in place of one of the same name.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        match self.0.iter_mut().find(|(k, _)| k == name) {
            Some(pair) => pair.1 = value.to_owned(),
            None => self.0.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    /// With one more parameter, whether or not the name is there.
    pub fn add(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without a parameter.
    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|(k, _)| k != name);
        self
    }
}

/// An answer of URL-encoded pairs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The bytes.
    pub raw: String,
    pairs: Vec<(String, String)>,
}

impl Answer {
    /// Reads the pairs.
    pub fn read(raw: &str) -> Self {
        let url = reqwest::Url::parse(&format!("http://x/?{raw}")).expect("pairs");
        let pairs = url.query_pairs().map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
        Self { raw: raw.to_owned(), pairs }
    }

    /// The first value of a key; empty if it is not there.
    pub fn get(&self, key: &str) -> &str {
        self.pairs.iter().find(|(k, _)| k == key).map_or("", |(_, v)| v)
    }

    /// Every value of a key.
    pub fn all(&self, key: &str) -> Vec<&str> {
        self.pairs.iter().filter(|(k, _)| k == key).map(|(_, v)| v.as_str()).collect()
    }

    /// The keys, in order.
    pub fn keys(&self) -> Vec<&str> {
        self.pairs.iter().map(|(k, _)| k.as_str()).collect()
    }

    /// Asserts success and gives the order number.
    #[track_caller]
    pub fn order_number(&self) -> String {
        assert_eq!(self.get("errorCode"), "0", "{}", self.raw);
        self.get("orderNumber").to_owned()
    }

    /// Asserts a code and its text.
    #[track_caller]
    pub fn refused(&self, code: i64, message: &str) {
        assert_eq!(self.get("errorCode"), code.to_string(), "{}", self.raw);
        assert_eq!(self.get("errorMessage"), message, "{}", self.raw);
    }
}

/// A certification request.
#[derive(Clone, Debug)]
pub struct Csr {
    /// PEM.
    pub pem: String,
    /// DER.
    pub der: Vec<u8>,
    /// MD5 of the DER, lower case.
    pub md5: String,
    /// SHA-256 of the DER, lower case.
    pub sha256: String,
}

/// Kinds of keys for [`Csr::of`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// RSA, 2048 bits.
    Rsa2048,
    /// RSA, 4096 bits.
    Rsa4096,
    /// P-256.
    P256,
    /// P-384.
    P384,
}

impl Csr {
    /// For one name, on a fresh P-256 key.
    pub fn new(name: &str) -> Self {
        Self::of(Key::P256, name, &[])
    }

    /// With a common name (none if empty) and alternative names. RSA keys are made once and used again.
    pub fn of(key: Key, common_name: &str, names: &[&str]) -> Self {
        Self::signed_with(&key.pair(), common_name, names)
    }

    /// The same with a key that is there already.
    pub fn signed_with(key: &rcgen::KeyPair, common_name: &str, names: &[&str]) -> Self {
        let mut params = rcgen::CertificateParams::new(
            names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>(),
        )
        .expect("names");
        params.distinguished_name = rcgen::DistinguishedName::new();
        if !common_name.is_empty() {
            let name = common_name.to_owned();
            params
                .distinguished_name
                .push(rcgen::DnType::CommonName, rcgen::DnValue::Utf8String(name));
        }
        let request = params.serialize_request(key).expect("a request");
        Self::from_der(request.der().to_vec())
    }

    /// From DER.
    pub fn from_der(der: Vec<u8>) -> Self {
        use md5::Digest as _;
        let base64 = base64(&der);
        let lines: Vec<&str> =
            base64.as_bytes().chunks(64).map(|l| std::str::from_utf8(l).expect("ASCII")).collect();
        Self {
            pem: format!(
                "-----BEGIN CERTIFICATE REQUEST-----\n{}\n-----END CERTIFICATE REQUEST-----\n",
                lines.join("\n")
            ),
            md5: hex::encode(md5::Md5::digest(&der)),
            sha256: hex::encode(Sha256::digest(&der)),
            der,
        }
    }

    /// Makes a request with `openssl req`, with more arguments (`-subj`, `-addext`, `-newkey` …).
    pub fn openssl(arguments: &[&str]) -> Self {
        let output = Command::new("openssl")
            .args(["req", "-new", "-nodes", "-keyout", "/dev/null", "-outform", "DER"])
            .args(arguments)
            .output()
            .expect("openssl (apt-get install openssl)");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self::from_der(output.stdout)
    }

    /// The target of the CNAME proof.
    pub fn cname_target(&self, unique: Option<&str>) -> String {
        let (head, tail) = self.sha256.split_at(32);
        let unique = unique.map(|u| format!("{u}.")).unwrap_or_default();
        format!("{head}.{tail}.{unique}sectigo.com")
    }
}

impl Key {
    /// A key of this kind; fresh unless RSA.
    pub fn pair(self) -> rcgen::KeyPair {
        static RSA: OnceLock<BTreeMap<Key, String>> = OnceLock::new();
        let rsa = |size| {
            let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size);
            pair.expect("a key").serialize_pem()
        };
        let kept = || {
            RSA.get_or_init(|| {
                BTreeMap::from([
                    (Key::Rsa2048, rsa(rcgen::RsaKeySize::_2048)),
                    (Key::Rsa4096, rsa(rcgen::RsaKeySize::_4096)),
                ])
            })
        };
        let fresh = |algorithm| rcgen::KeyPair::generate_for(algorithm).expect("a key");
        match self {
            Key::P256 => fresh(&rcgen::PKCS_ECDSA_P256_SHA256),
            Key::P384 => fresh(&rcgen::PKCS_ECDSA_P384_SHA384),
            Key::Rsa2048 | Key::Rsa4096 => rcgen::KeyPair::from_pem(&kept()[&self]).expect("a key"),
        }
    }
}

/// A host name that no other story uses: `WORD-N.example.com`.
pub fn fresh_name(word: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("{word}-{}-{number}.example.com", std::process::id())
}

/// Base64, one line.
pub fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0u32, |w, b| w << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * i)) as usize & 63];
            out.push(if i <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}
