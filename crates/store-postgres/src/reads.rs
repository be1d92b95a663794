//! Reads by key: what waits is read together, by one statement for each kind, on one of a few connections.

use std::sync::Arc;

use authcore::account::{AccountId, IdentityKey};
use authcore::session::SessionRef;
use authcore::store::{CodeKey, Lookup, TransferKey};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio_postgres::Row;

use crate::cols::Cols;
use crate::error::{Fault, Stop};
use crate::param::{Param, column};
use crate::queue::{LONG, Queue, in_turn};
use crate::rows;
use crate::runner::Runner;
use crate::text::encoded;
use crate::tx::{Job, Tx};

/// What is answered with one row or none.
pub(crate) enum Query {
    Account(Lookup),
    Session(SessionRef),
    Code(CodeKey),
    StoreEpoch,
}

type Answer = Result<Option<Row>, Fault>;

struct Asked {
    query: Query,
    reply: oneshot::Sender<Answer>,
}

/// Where reads are handed over. The workers end with it.
pub(crate) struct Reads(UnboundedSender<Asked>);

impl Reads {
    pub(crate) fn new(runner: &Runner, workers: usize) -> Self {
        let (sender, queue) = Queue::new();
        let queue = Arc::new(queue);
        for _ in 0..workers {
            runner.runtime().spawn(serve(runner.clone(), Arc::clone(&queue)));
        }
        Self(sender)
    }

    /// Hands a read over; it is under way when this returns, for as long as somebody waits for it.
    pub(crate) fn ask(&self, query: Query) -> impl Future<Output = Answer> + Send + use<> {
        let (reply, answer) = oneshot::channel();
        // Nobody there to take it: the answer fails, because its other end is gone.
        let _ = self.0.send(Asked { query, reply });
        async move { answer.await.unwrap_or_else(|gone| Err(Fault::gone(gone, false))) }
    }
}

async fn serve(runner: Runner, queue: Arc<Queue<Asked>>) {
    let mut waiting = Vec::new();
    while let Some(turn) = queue.take(&mut waiting).await {
        // While the server hung some may have gone, and whoever asked again in their place would wait for both.
        waiting.retain(|asked: &Asked| !asked.reply.is_closed());
        if waiting.is_empty() {
            continue;
        }
        let (queries, replies): (Vec<_>, Vec<_>) =
            waiting.drain(..).map(|asked| (asked.query, asked.reply)).unzip();
        // Nobody may be waiting any more.
        match in_turn(turn, LONG, runner.settle(&Batch(queries), false)).await {
            Ok(rows) => {
                for (reply, row) in replies.into_iter().zip(rows) {
                    let _ = reply.send(Ok(row));
                }
            }
            Err(stop) => {
                let fault = stop.into_fault();
                for reply in replies {
                    let _ = reply.send(Err(fault.clone()));
                }
            }
        }
    }
}

struct Batch(Vec<Query>);

/// The keys of a batch by what they are keys of, each with its place in the batch.
#[derive(Default)]
struct Keys<'a> {
    ids: Vec<(usize, AccountId)>,
    identities: Vec<(usize, &'a IdentityKey)>,
    usernames: Vec<(usize, &'a str)>,
    transfers: Vec<(usize, &'a TransferKey)>,
    sessions: Vec<(usize, SessionRef)>,
    codes: Vec<(usize, CodeKey)>,
    epochs: Vec<usize>,
}

impl<'a> Keys<'a> {
    fn of(queries: &'a [Query]) -> Self {
        let mut keys = Self::default();
        for (at, query) in queries.iter().enumerate() {
            match query {
                Query::Account(Lookup::Id(id)) => keys.ids.push((at, *id)),
                Query::Account(Lookup::Identity(key)) => keys.identities.push((at, key)),
                Query::Account(Lookup::Username(key)) => keys.usernames.push((at, key)),
                Query::Account(Lookup::Transfer(key)) => keys.transfers.push((at, key)),
                Query::Session(session) => keys.sessions.push((at, *session)),
                Query::Code(key) => keys.codes.push((at, *key)),
                Query::StoreEpoch => keys.epochs.push(at),
            }
        }
        keys
    }

    /// The statements, with the places of their keys in the batch.
    fn statements(&self) -> [(&'static str, Vec<usize>, Vec<Param>); 7] {
        let Self { ids, identities, usernames, transfers, sessions, codes, epochs } = self;
        let keys: Vec<_> = identities.iter().map(|(_, key)| *key).collect();
        let identity = rows::key_columns(&keys).into();
        let session = vec![column(sessions, |(_, at)| at.account.as_uuid())];
        let transfer = column(transfers, |(_, key)| key.as_bytes().to_vec());
        let code = column(codes, |(_, key)| key.as_bytes().to_vec());
        let numbers: Vec<i64> = (1..).take(epochs.len()).collect();
        [
            (rows::BY_ID, places(ids), vec![column(ids, |(_, id)| id.as_uuid())]),
            (rows::BY_IDENTITY, places(identities), identity),
            (
                rows::BY_USERNAME,
                places(usernames),
                vec![column(usernames, |(_, key)| encoded(key))],
            ),
            (rows::BY_TRANSFER, places(transfers), vec![transfer]),
            (rows::SESSIONS, places(sessions), session),
            (rows::CODES, places(codes), vec![code]),
            (rows::EPOCHS, epochs.clone(), vec![Param::new(numbers)]),
        ]
    }
}

fn places<T>(keys: &[(usize, T)]) -> Vec<usize> {
    keys.iter().map(|(at, _)| *at).collect()
}

impl Job for Batch {
    type Out = Vec<Option<Row>>;
    const WRITES: bool = false;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Stop> {
        let statements = Keys::of(&self.0).statements();
        let wanted = || statements.iter().filter(|(_, places, _)| !places.is_empty());
        for (sql, ..) in wanted() {
            tx.know(sql).await?;
        }
        let mut sent = Vec::new();
        for (sql, places, params) in statements {
            if !places.is_empty() {
                sent.push((places, tx.query(sql, params).await?));
            }
        }
        let mut found: Vec<Option<Row>> =
            std::iter::repeat_with(|| None).take(self.0.len()).collect();
        for (places, sent) in sent {
            for row in sent.answer().await? {
                let number = Cols::new(&row).u64("number")?;
                let place = usize::try_from(number)
                    .ok()
                    .and_then(|number| places.get(number.checked_sub(1)?));
                if let Some(found) = place.and_then(|place| found.get_mut(*place)) {
                    *found = Some(row);
                }
            }
        }
        Ok(found)
    }
}
