//! What is done on one connection: statements that are sent one behind the other, and their answers.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use deadpool_postgres::Client;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, Row, Statement};

use crate::error::{Fault, Stop};
use crate::param::Param;

/// What is done to the database in one go.
pub(crate) trait Job: Send + Sync + 'static {
    type Out: Send + 'static;
    /// Whether it writes, and so needs a transaction. A job that only reads takes each of its statements for itself.
    const WRITES: bool;

    /// Whether doing it twice does it once: because it only reads, or is recognized.
    const REPEATS: bool = true;

    /// Runs, and may run again when what it did was undone.
    fn run(&self, tx: &mut Tx<'_>) -> impl Future<Output = Result<Self::Out, Stop>> + Send;
}

/// A statement that was sent; its answer is still to be waited for.
pub(crate) struct Sent<'c, T> {
    running: Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'c>>,
    answer: Option<Result<T, Error>>,
}

impl<'c, T> Sent<'c, T> {
    /// The driver sends a statement when its future is first polled, so that the order of these calls is the order on
    /// the wire. What fails at once was never sent, and the server, which does not know of it, would commit the rest.
    async fn send(
        running: impl Future<Output = Result<T, Error>> + Send + 'c,
    ) -> Result<Self, Fault> {
        let mut running: Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'c>> =
            Box::pin(running);
        let answer = poll_fn(|cx| {
            Poll::Ready(match running.as_mut().poll(cx) {
                Poll::Ready(answer) => Some(answer),
                Poll::Pending => None,
            })
        })
        .await;
        match answer {
            Some(Err(error)) => Err(error.into()),
            answer => Ok(Self { running, answer }),
        }
    }

    /// Takes what has come of the answer.
    fn advance(&mut self, cx: &mut Context<'_>) {
        if self.answer.is_none()
            && let Poll::Ready(answer) = self.running.as_mut().poll(cx)
        {
            self.answer = Some(answer);
        }
    }

    pub(crate) async fn answer(self) -> Result<T, Fault> {
        Ok(match self.answer {
            Some(answer) => answer?,
            None => self.running.await?,
        })
    }
}

impl Sent<'_, Vec<Row>> {
    pub(crate) async fn first(self) -> Result<Option<Row>, Fault> {
        Ok(self.answer().await?.into_iter().next())
    }
}

/// One connection while one job has it.
pub(crate) struct Tx<'c> {
    client: &'c Client,
    /// Whether statements are prepared under names, once a connection.
    named: bool,
    writable: bool,
    /// The answer to `BEGIN`, until it is known.
    begun: Option<Sent<'c, ()>>,
    writes: Vec<Sent<'c, u64>>,
}

impl<'c> Tx<'c> {
    /// Sends `BEGIN` where the job writes. The isolation is the database's default; every condition holds by locks.
    pub(crate) async fn begin(
        client: &'c Client,
        named: bool,
        writable: bool,
    ) -> Result<Self, Fault> {
        let begun =
            if writable { Some(Sent::send(client.batch_execute("BEGIN")).await?) } else { None };
        Ok(Self { client, named, writable, begun, writes: Vec::new() })
    }

    /// Makes sure that a connection knows a statement: before the first of several is sent that are waited for together.
    pub(crate) async fn know(&mut self, sql: &'static str) -> Result<(), Fault> {
        if self.named {
            self.prepare(sql).await?;
        }
        Ok(())
    }

    /// A statement that this connection does not know yet is waited for. An answer that nobody reads meanwhile would hold up
    /// those behind it: the driver keeps two parts of one, and then reads no further.
    async fn prepare(&mut self, sql: &'static str) -> Result<Statement, Fault> {
        let mut preparing = pin!(self.client.prepare_cached(sql));
        let writes = &mut self.writes;
        let statement = poll_fn(|cx| {
            for write in writes.iter_mut() {
                write.advance(cx);
            }
            preparing.as_mut().poll(cx)
        });
        Ok(statement.await?)
    }

    /// Sends a statement that returns rows.
    pub(crate) async fn query(
        &mut self,
        sql: &'static str,
        params: Vec<Param>,
    ) -> Result<Sent<'c, Vec<Row>>, Fault> {
        let client = self.client;
        if !self.named {
            return Sent::send(async move { client.query_typed(sql, &typed(&params)).await }).await;
        }
        let statement = self.prepare(sql).await?;
        Sent::send(async move { client.query(&statement, &borrowed(&params)).await }).await
    }

    /// Sends a write that returns rows.
    pub(crate) async fn change(
        &mut self,
        sql: &'static str,
        params: Vec<Param>,
    ) -> Result<Sent<'c, Vec<Row>>, Fault> {
        self.begun().await?;
        self.query(sql, params).await
    }

    /// Outside of a transaction each write would count for itself.
    async fn begun(&mut self) -> Result<(), Fault> {
        match self.begun.take() {
            Some(begun) => begun.answer().await,
            None => Ok(()),
        }
    }

    /// Sends a write, whose answer [`commit`](Self::commit) waits for. The job goes on before it is known, and must not
    /// depend on it: whatever a write can fail on was checked before, but for keys that another transaction takes.
    pub(crate) async fn write(
        &mut self,
        sql: &'static str,
        params: Vec<Param>,
    ) -> Result<(), Fault> {
        self.begun().await?;
        let client = self.client;
        let sent = if self.named {
            let statement = self.prepare(sql).await?;
            Sent::send(async move { client.execute(&statement, &borrowed(&params)).await }).await?
        } else {
            Sent::send(async move { client.execute_typed(sql, &typed(&params)).await }).await?
        };
        self.writes.push(sent);
        Ok(())
    }

    /// The rows that the writes so far have changed, each.
    pub(crate) async fn counts(&mut self) -> Result<Vec<u64>, Fault> {
        let mut counts = Vec::new();
        for write in self.writes.drain(..) {
            counts.push(write.answer().await?);
        }
        Ok(counts)
    }

    /// Sends `COMMIT` behind the writes and waits for all. When a write failed, the server rolls back instead. When the
    /// connection is lost meanwhile, it may have been applied.
    pub(crate) async fn commit(mut self) -> Result<(), Fault> {
        if !self.writable {
            return Ok(());
        }
        let committed = Sent::send(self.client.batch_execute("COMMIT")).await?;
        self.begun().await?;
        self.counts().await?;
        committed.answer().await
    }

    /// Undoes everything. False when the connection can no longer be used.
    pub(crate) async fn roll_back(mut self) -> bool {
        // Nobody reads these answers any more.
        self.writes.clear();
        !self.writable || self.client.batch_execute("ROLLBACK").await.is_ok()
    }
}

fn borrowed(params: &[Param]) -> Vec<&(dyn ToSql + Sync)> {
    params.iter().map(Param::value).collect()
}

fn typed(params: &[Param]) -> Vec<(&(dyn ToSql + Sync), Type)> {
    params.iter().map(Param::typed).collect()
}
