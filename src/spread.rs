//! Spreading work over cores: the same results in the same order, sooner.

use std::{
    num::NonZero,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{Builder, ScopedJoinHandle},
};

/// Applies a function to each item, on as many cores as there are when there is enough for them.
///
/// `worth` is how many items are worth a thread of their own; below twice that, and where there are no threads to be
/// had, all is done here.
pub(crate) fn map<T: Sync, U: Send>(items: &[T], worth: usize, work: impl Fn(&T) -> U + Sync) -> Vec<U> {
    let worthwhile = items.len() / worth.max(1);
    let threads = if worthwhile < 2 { 1 } else { worthwhile.min(cores()) };
    if threads < 2 {
        return items.iter().map(work).collect();
    }
    let share = items.len().div_ceil(threads);
    let work = &work;
    let do_share = move |share: &[T]| share.iter().map(work).collect::<Vec<U>>();
    let shares: Vec<Vec<U>> = std::thread::scope(|scope| {
        let mut shares = items.chunks(share);
        let own = shares.next().unwrap_or_default();
        // `scope.spawn` panics where the system refuses a thread.
        let begin =
            |share| Builder::new().spawn_scoped(scope, move || do_share(share)).map_err(|_refused| share);
        let others: Vec<_> = shares.map(begin).collect();
        let mut done = vec![do_share(own)];
        for other in others {
            match other.map(ScopedJoinHandle::join) {
                Ok(Ok(share)) => done.push(share),
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                Err(share) => done.push(do_share(share)),
            }
        }
        done
    });
    shares.into_iter().flatten().collect()
}

/// Applies a function to each item on all cores, while this thread does something else first and then helps: the results in
/// the order of the items, and what the something else gave.
pub(crate) fn map_beside<T: Sync, U: Send, R>(
    items: &[T],
    work: impl Fn(&T) -> U + Sync,
    beside: impl FnOnce() -> R,
) -> (Vec<U>, R) {
    let next = AtomicUsize::new(0);
    let help = || {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(number) else { return done };
            done.push((number, work(item)));
        }
    };
    let (mut done, beside) = std::thread::scope(|scope| {
        let others: Vec<_> = (1..cores().min(items.len().saturating_add(1)))
            .filter_map(|_| Builder::new().spawn_scoped(scope, help).ok())
            .collect();
        let beside = beside();
        let mut done = help();
        for other in others {
            match other.join() {
                Ok(share) => done.extend(share),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        (done, beside)
    });
    done.sort_unstable_by_key(|(number, _)| *number);
    (done.into_iter().map(|(_, result)| result).collect(), beside)
}

/// Asked once: on Linux the answer takes reading several files.
fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    // A browser has no threads to give.
    let count = || {
        if cfg!(target_family = "wasm") {
            1
        } else {
            std::thread::available_parallelism().map_or(1, NonZero::get)
        }
    };
    *CORES.get_or_init(count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_results_are_those_of_a_plain_map(items in proptest::collection::vec(any::<u16>(), 0..300), worth in 0usize..40) {
            let expected: Vec<u32> = items.iter().map(|item| u32::from(*item) + 1).collect();
            prop_assert_eq!(super::map(&items, worth, |item| u32::from(*item) + 1), &*expected);
            let beside = super::map_beside(&items, |item| u32::from(*item) + 1, || worth);
            prop_assert_eq!(beside, (expected, worth));
        }
    }
}
