//! Who may read the database's files: nobody but their owner.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use store::Database;

use crate::kit::Sandbox;

/// Name and rights of the database's files.
pub fn rights(folder: &Path) -> Vec<(String, u32)> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let of_database = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().expect("a name");
        let mode = entry.metadata().expect("a file").permissions().mode() & 0o777;
        name.starts_with("store.sqlite").then_some((name, mode))
    });
    of_database.collect()
}

#[test]
fn a_sandbox_keeps_its_database_to_itself() {
    let sandbox = Sandbox::start(Database::Sqlite);
    let files = rights(&sandbox.dir);
    assert_eq!(files.len(), 4, "{files:?}");
    assert!(files.iter().all(|(_, mode)| *mode == 0o600), "{files:?}");

    // What an earlier version left readable is mended.
    let (dir, _) = sandbox.kill();
    for (name, _) in rights(&dir) {
        let open = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(dir.join(name), open).expect("rights");
    }
    let sandbox = Sandbox::launch(&dir, None, &[]);
    let files = rights(&sandbox.dir);
    assert!(files.iter().all(|(_, mode)| *mode == 0o600), "{files:?}");
}
