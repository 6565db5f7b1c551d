//! Whether a failed attempt is followed by another, and when.

use std::time::Duration;

use runwright_model::{digest::Digest, event::Try, failure::Failure, id::ExecutionId, step::Retry, time::Timestamp};

/// When the next attempt begins; `None` when this was the last.
pub(crate) fn next_attempt(
    retry: Retry,
    execution: &ExecutionId,
    of: Try,
    failure: &Failure,
    now: Timestamp,
) -> Option<Timestamp> {
    if !failure.retryable || of.attempt >= retry.max_attempts {
        return None;
    }
    Some(now.after(Duration::from_millis(pause_ms(retry, execution, of))))
}

/// Doubled with each attempt up to the ceiling. Jitter takes off up to half; it comes from the try's name,
/// because a decision must be the same whenever it is taken.
fn pause_ms(retry: Retry, execution: &ExecutionId, of: Try) -> u64 {
    let doublings = (of.attempt - 1).min(32);
    let pause = retry
        .backoff_ms
        .saturating_mul(1 << doublings)
        .min(retry.max_backoff_ms);
    if !retry.jitter || pause == 0 {
        return pause;
    }
    let digest = Digest::of(of.idempotency_key(execution, 0).as_bytes());
    let random = u64::from(digest.as_bytes()[0]);
    pause - pause * random / 512
}

#[cfg(test)]
mod tests {
    use runwright_model::{event::Phase, failure::FailureKind, id::StepId};

    use super::*;

    fn of(attempt: u32) -> Try {
        Try {
            step: StepId(0),
            visit: 1,
            phase: Phase::Run,
            attempt,
        }
    }

    fn wait(retry: Retry, attempt: u32) -> Option<i64> {
        let id = "e".parse().unwrap();
        let failure = Failure::new(FailureKind::Failed, "no");
        next_attempt(retry, &id, of(attempt), &failure, Timestamp::from_millis(0)).map(Timestamp::as_millis)
    }

    #[test]
    fn pauses_double_up_to_the_ceiling_and_end_with_the_attempts() {
        let retry = Retry {
            max_attempts: 5,
            backoff_ms: 100,
            max_backoff_ms: 300,
            jitter: false,
        };
        let waits: Vec<_> = (1..=5).map(|attempt| wait(retry, attempt)).collect();
        assert_eq!(waits, [Some(100), Some(200), Some(300), Some(300), None]);
    }

    #[test]
    fn jitter_takes_off_up_to_half() {
        let retry = Retry {
            max_attempts: 9,
            backoff_ms: 1_000,
            max_backoff_ms: 1_000,
            jitter: true,
        };
        for attempt in 1..9 {
            let pause = wait(retry, attempt).unwrap();
            assert!((500..=1_000).contains(&pause), "{pause}");
            assert_eq!(Some(pause), wait(retry, attempt), "the same decision each time");
        }
    }

    #[test]
    fn what_cannot_be_helped_is_not_tried_again() {
        let failure = Failure::new(FailureKind::Rejected, "no");
        let retry = Retry {
            max_attempts: 3,
            ..Retry::default()
        };
        assert_eq!(
            next_attempt(retry, &"e".parse().unwrap(), of(1), &failure, Timestamp::from_millis(0)),
            None
        );
    }
}
