//! A transaction whose statements are prepared once per connection.

use std::collections::HashMap;

use tokio_postgres::{Client, Error, Row, Statement};

use super::pool::Params;

/// What was prepared on a connection.
pub(super) type Statements = HashMap<&'static str, Statement>;

/// Several statements that are done together or not at all; dropped, they are undone.
pub(super) struct Transaction<'a> {
    transaction: tokio_postgres::Transaction<'a>,
    statements: &'a mut Statements,
}

impl<'a> Transaction<'a> {
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

    /// Answers how many rows were changed.
    pub(super) async fn execute(
        &mut self,
        sql: &'static str,
        params: Params<'_>,
    ) -> Result<u64, Error> {
        let statement = prepared(self.transaction.client(), self.statements, sql).await?;
        self.transaction.execute(&statement, params).await
    }
}

/// The statement of this text, prepared if it has not been.
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
