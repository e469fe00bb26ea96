//! A transaction whose statements are prepared once per connection.

use std::collections::HashMap;

use tokio_postgres::{Client, Error, Row, Statement, error::SqlState};

use super::pool::Params;

/// The prepared statements of a connection.
pub(super) type Statements = HashMap<&'static str, Statement>;

/// A transaction, which is rolled back when dropped.
pub(super) struct Transaction<'a> {
    transaction: tokio_postgres::Transaction<'a>,
    statements: &'a mut Statements,
}

/// How many failing chats one transaction tolerates. More of them mean a damaged database, which is reported
/// as a whole.
const FAILED_MAX: usize = 100;

/// The chats that failed in a transaction.
#[derive(Default)]
pub(super) struct Failed {
    pub(super) chats: usize,
    pub(super) first: Option<Error>,
}

impl<'a> Transaction<'a> {
    /// Runs `call` for one chat in a savepoint. If it fails because of the chat's rows, it is rolled back,
    /// the transaction continues, and `None` is returned: a chat with a damaged page must not keep others
    /// from being ended and deleted.
    pub(super) async fn isolate<T>(
        &mut self,
        failed: &mut Failed,
        work: impl AsyncFnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        self.transaction.batch_execute("SAVEPOINT one_chat").await?;
        match work(self).await {
            Ok(done) => {
                let release = "RELEASE SAVEPOINT one_chat";
                self.transaction.batch_execute(release).await?;
                Ok(Some(done))
            }
            Err(error) if failed.chats < FAILED_MAX && is_about_rows(&error) => {
                let undo = "ROLLBACK TO SAVEPOINT one_chat; RELEASE SAVEPOINT one_chat";
                self.transaction.batch_execute(undo).await?;
                failed.chats += 1;
                failed.first.get_or_insert(error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn begin(
        client: &'a mut Client,
        statements: &'a mut Statements,
    ) -> Result<Self, Error> {
        Ok(Self {
            transaction: client.transaction().await?,
            statements,
        })
    }

    pub(super) async fn commit(self) -> Result<(), Error> {
        self.transaction.commit().await
    }

    pub(super) async fn query(
        &mut self,
        sql: &'static str,
        params: Params<'_>,
    ) -> Result<Vec<Row>, Error> {
        let statement = prepared(self.transaction.client(), self.statements, sql).await?;
        self.transaction.query(&statement, params).await
    }

    pub(super) async fn query_opt(
        &mut self,
        sql: &'static str,
        params: Params<'_>,
    ) -> Result<Option<Row>, Error> {
        let statement = prepared(self.transaction.client(), self.statements, sql).await?;
        self.transaction.query_opt(&statement, params).await
    }

    pub(super) async fn query_one(
        &mut self,
        sql: &'static str,
        params: Params<'_>,
    ) -> Result<Row, Error> {
        let statement = prepared(self.transaction.client(), self.statements, sql).await?;
        self.transaction.query_one(&statement, params).await
    }

    /// Returns the number of changed rows.
    pub(super) async fn execute(
        &mut self,
        sql: &'static str,
        params: Params<'_>,
    ) -> Result<u64, Error> {
        let statement = prepared(self.transaction.client(), self.statements, sql).await?;
        self.transaction.execute(&statement, params).await
    }
}

/// Whether an error is about rows, by the class of its SQLSTATE: data, constraints, exceptions of triggers,
/// damage.
fn is_about_rows(error: &Error) -> bool {
    let code = error.code().map(SqlState::code).unwrap_or_default();
    ["22", "23", "P0", "XX"]
        .iter()
        .any(|class| code.starts_with(class))
}

/// The prepared statement with this text.
pub(super) async fn prepared(
    client: &Client,
    statements: &mut Statements,
    sql: &'static str,
) -> Result<Statement, Error> {
    if let Some(statement) = statements.get(sql) {
        return Ok(statement.clone());
    }
    let statement = client.prepare(sql).await?;
    statements.insert(sql, statement.clone());
    Ok(statement)
}
