//! For tests: a fresh database each, on either kind, and a private PostgreSQL server.
//!
//! The server is Debian's (`apt-get install postgresql`), started once per test process with its
//! data under `/tmp`, reached by a unix socket, and stopped when the process ends, however it
//! ends. A test fails if the package is missing: it is never skipped.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use postgres::{Client, NoTls};

use crate::db::alike;
use crate::migrations::Migration;
use crate::{Database, PgOptions, SqliteOptions, Store, StoreError};

/// A database of its own, gone when this is dropped. Drop its stores first.
pub struct TestDb(Place);

enum Place {
    Sqlite(PathBuf),
    Postgres { server: &'static PgServer, name: String },
}

impl TestDb {
    /// A fresh, empty one.
    pub fn new(database: Database) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        Self(match database {
            Database::Sqlite => {
                let unique = format!("chancery-{}-{name}", std::process::id());
                let folder = std::env::temp_dir().join(unique);
                let _ = std::fs::remove_dir_all(&folder);
                std::fs::create_dir_all(&folder).expect("a temporary folder");
                Place::Sqlite(folder)
            }
            Database::Postgres => {
                let server = PgServer::shared();
                server.admin(&format!("CREATE DATABASE {name} TEMPLATE migrated"));
                Place::Postgres { server, name }
            }
        })
    }

    /// The path of the SQLite file, or the address of the PostgreSQL database.
    pub fn address(&self) -> String {
        match &self.0 {
            Place::Sqlite(folder) => folder.join("store.sqlite").display().to_string(),
            Place::Postgres { server, name } => server.address(name),
        }
    }

    /// How PostgreSQL means to run each query of the program, those for lists of rows included: its text, and EXPLAIN's words.
    /// `filling` runs before, for what is only tempting in tables that are not empty.
    pub fn plans(&self, filling: &str) -> Vec<(String, String)> {
        let mut client = Client::connect(&self.address(), NoTls).expect("the test's database");
        client.batch_execute(crate::db::postgres::connect::ONE_CONNECTION).expect("settings");
        client.batch_execute(filling).expect("rows");
        let mut texts = Vec::new();
        for text in crate::every_query().map(|sql| sql.for_postgres()) {
            let types = client.prepare(text).unwrap_or_else(|e| panic!("{text}: {e:?}"));
            texts.push(text.to_owned());
            texts.extend(alike::for_lists(text, types.params()));
        }
        let mut plan = |text: &str| -> Result<String, postgres::Error> {
            let count = client.prepare(text)?.params().len();
            client.batch_execute(&format!("PREPARE asked AS {text}"))?;
            let nulls = vec!["NULL"; count].join(", ");
            let list = if count == 0 { String::new() } else { format!("({nulls})") };
            let rows = client.simple_query(&format!("EXPLAIN (VERBOSE) EXECUTE asked{list}"))?;
            client.batch_execute("DEALLOCATE asked")?;
            let line = |row: &postgres::SimpleQueryMessage| match row {
                postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            };
            Ok(rows.iter().filter_map(line).collect::<Vec<_>>().join("\n"))
        };
        let planned = |text: String| {
            let words = plan(&text).unwrap_or_else(|e| panic!("{text}: {e:?}"));
            (text, words)
        };
        texts.into_iter().map(planned).collect()
    }

    /// Opens it with the whole schema.
    pub fn open(&self) -> Store {
        match &self.0 {
            Place::Sqlite(_) => Store::open_sqlite(self.address(), 2),
            Place::Postgres { .. } => Store::open_postgres(&self.address(), 8),
        }
        .expect("the test's database opens")
    }

    /// Opens it with another schema. On PostgreSQL [`crate::migrations::ALL`] is already there.
    pub fn open_with(&self, migrations: &'static [Migration]) -> Result<Store, StoreError> {
        match &self.0 {
            Place::Sqlite(_) => Store::open_sqlite_with(
                self.address(),
                SqliteOptions { migrations, ..SqliteOptions::default() },
            ),
            Place::Postgres { .. } => Store::open_postgres_with(
                &self.address(),
                PgOptions { migrations, ..PgOptions::for_connections(4) },
            ),
        }
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        match &self.0 {
            Place::Sqlite(folder) => drop(std::fs::remove_dir_all(folder)),
            Place::Postgres { server, name } => {
                server.admin(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
            }
        }
    }
}

/// A running PostgreSQL of this process.
pub struct PgServer {
    folder: PathBuf,
    /// Its standard input is the server's lifeline.
    _shell: Child,
}

/// Starts a server and prints its folder; when its input ends, stops it and tidies up.
const SCRIPT: &str = r#"
trap '' INT HUP TERM
set -e
dir=$(mktemp -d /tmp/chancery-pg-XXXXXX)
"$0/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$dir/log" 2>&1 ||
    { cat "$dir/log" >&2; rm -rf "$dir"; exit 1; }
"$0/pg_ctl" -D "$dir/data" -w -l "$dir/log" -o "-c listen_addresses='' \
    -c unix_socket_directories='$dir' -c max_connections=300 -c shared_buffers=256MB" \
    start >/dev/null || { cat "$dir/log" >&2; rm -rf "$dir"; exit 1; }
echo "$dir"
read -r _ || true
"$0/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1 || true
rm -rf "$dir"
"#;

impl PgServer {
    /// The one of this process, started at the first call.
    pub fn shared() -> &'static Self {
        static SERVER: OnceLock<PgServer> = OnceLock::new();
        SERVER.get_or_init(Self::start)
    }

    /// The address of one of its databases, for [`Store::open_postgres`].
    pub fn address(&self, database: &str) -> String {
        format!("host={} user=postgres dbname={database}", self.folder.display())
    }

    /// Runs a statement in the database `postgres`.
    pub fn admin(&self, sql: &str) {
        let address = self.address("postgres");
        let run = move || -> Result<(), postgres::Error> {
            Client::connect(&address, NoTls)?.batch_execute(sql)
        };
        // On a thread of its own: the caller may be async.
        let done = std::thread::scope(|scope| scope.spawn(run).join());
        done.expect("no panic").unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    fn start() -> Self {
        let binaries = binaries();
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--", "sh", "-c", SCRIPT]);
            command
        } else {
            let mut command = Command::new("sh");
            command.args(["-c", SCRIPT]);
            command
        };
        command.arg(binaries).current_dir("/tmp").process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = command.spawn().expect("sh and runuser");
        let mut line = String::new();
        let output = shell.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("its output");
        assert!(!line.is_empty(), "PostgreSQL did not start; its words are above");
        let server = Self { folder: line.trim().into(), _shell: shell };
        server.admin("CREATE DATABASE migrated");
        let template = Store::open_postgres(&server.address("migrated"), 1);
        drop(template.expect("the schema is built"));
        server
    }
}

/// The folder of the newest installed version's programs.
fn binaries() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<_> = versions
        .map(|entry| entry.path().join("bin"))
        .filter(|folder| folder.join("pg_ctl").exists() && folder.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().expect("these tests need PostgreSQL: apt-get install postgresql")
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(Path::new("/proc/self")).is_ok_and(|own| own.uid() == 0)
}
