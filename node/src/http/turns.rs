//! Searches in turn.
//!
//! Each keeps a core busy until it is there, so that more at once than there are cores only wait for each
//! other, and whoever asked first may be answered last: with 200 people at two cores one in a hundred
//! waited three times as long as half of them. Here they are answered in the order in which they asked.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::api_error::{ApiError, blocking};

/// As many turns as there are cores.
#[derive(Debug, Clone)]
pub(super) struct Turns(Arc<Semaphore>);

impl Default for Turns {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, Into::into);
        Self(Arc::new(Semaphore::new(cores)))
    }
}

impl Turns {
    /// Does what keeps a core busy when its turn has come. Where whoever asked goes away meanwhile, it
    /// keeps its turn until it has ended.
    pub(super) async fn take<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let turn = Arc::clone(&self.0).acquire_owned().await;
        let turn = turn.map_err(|_| ApiError::stopping())?;
        blocking(move || {
            let _turn = turn;
            work()
        })
        .await
    }

    /// Does what nobody waits for, if a turn is free at this moment; otherwise it is not done.
    pub(super) fn take_if_free(&self, work: impl FnOnce() + Send + 'static) {
        if let Ok(turn) = Arc::clone(&self.0).try_acquire_owned() {
            tokio::task::spawn_blocking(move || {
                let _turn = turn;
                work();
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    /// Longer than a turn takes in which nothing is done.
    const A_WHILE: Duration = Duration::from_millis(200);

    #[tokio::test]
    async fn whoever_has_a_turn_keeps_it_until_the_work_has_ended_even_unheard() {
        let turns = Turns(Arc::new(Semaphore::new(1)));
        let (end, ends) = mpsc::channel::<()>();
        let (begin, begins) = mpsc::channel();
        let first = tokio::spawn({
            let turns = turns.clone();
            async move {
                turns
                    .take(move || {
                        begin.send(()).unwrap();
                        ends.recv().unwrap();
                    })
                    .await
            }
        });
        tokio::task::spawn_blocking(move || begins.recv()).await.unwrap().unwrap();
        // Whoever asked first has gone, and what was asked goes on.
        first.abort();
        assert!(timeout(A_WHILE, turns.take(|| ())).await.is_err(), "nobody has a turn beside it");
        let (done, is_done) = mpsc::channel();
        turns.take_if_free({
            let done = done.clone();
            move || done.send("while none was free").unwrap()
        });
        end.send(()).unwrap();
        turns.take(|| ()).await.unwrap();
        turns.take_if_free(move || done.send("when one was").unwrap());
        let first = tokio::task::spawn_blocking(move || is_done.recv()).await.unwrap();
        assert_eq!(first, Ok("when one was"));
    }
}
