//! Who orders.

use server::operator::Office;
use server::operator::accounts::{self, Wishes};

use super::orders::Login;
use super::server_process::Ready;

/// The sandbox's `reseller`, or fresh accounts, made beside the running server as an operator makes them.
pub fn logins(ready: &Ready, database: &str, count: usize) -> anyhow::Result<Vec<Login>> {
    if count <= 1 {
        let reseller = ready.accounts.iter().find(|account| account.role == "reseller");
        let reseller = reseller.ok_or_else(|| anyhow::anyhow!("there is no `reseller`"))?;
        let (name, password) = (reseller.login_name.clone(), reseller.login_password.clone());
        return Ok(vec![Login { name, password }]);
    }
    eprintln!("making {count} accounts");
    let office = Office::open(database, "bench")?;
    let run = server::clock::real_now().ms();
    (0..count)
        .map(|number| {
            let name = format!("bench-{run}-{number}");
            let password = server::demo::fresh_password();
            accounts::create(&office, &name, &password, "USD", &Wishes::default())?;
            accounts::deposit(&office, &name, "100000000.00", "bench")?;
            Ok(Login { name, password })
        })
        .collect()
}
