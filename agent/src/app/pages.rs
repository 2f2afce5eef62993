//! What the pages see of other rooms.

use crate::ports::{Answer, PageRequest, Store, StoreError, StoredSubscription};
use crate::web::{Delivery, Subscriber, Subscribers};
use std::sync::Arc;

/// So many subscriptions are shown, and of each the last calls.
const SHOWN: PageRequest = PageRequest { number: 0, size: 50 };
const CALLS: PageRequest = PageRequest { number: 0, size: 5 };

struct Kept(Arc<dyn Store>);

/// Those who subscribed, as the store has them.
pub(super) fn subscribers(store: &Arc<dyn Store>) -> Arc<dyn Subscribers> {
    Arc::new(Kept(Arc::clone(store)))
}

impl Subscribers for Kept {
    fn all(&self) -> Answer<'_, Vec<Subscriber>, StoreError> {
        Box::pin(async move {
            let mut all = Vec::new();
            for one in self.0.subscriptions(SHOWN).await?.rows {
                all.push(self.with_calls(one).await?);
            }
            Ok(all)
        })
    }
}

impl Kept {
    async fn with_calls(&self, one: StoredSubscription) -> Result<Subscriber, StoreError> {
        let calls = self.0.deliveries(one.number, CALLS).await?.rows.into_iter().map(|call| Delivery {
            at: call.attempt.at,
            is_taken: call.attempt.error.is_none(),
            text: match (call.attempt.code, call.attempt.error) {
                (Some(code), Some(error)) => format!("{code}: {error}"),
                (None, Some(error)) => error,
                (Some(code), None) => code.to_string(),
                (None, None) => String::new(),
            },
        });
        let subscription = one.subscription;
        Ok(Subscriber {
            name: subscription.name,
            endpoint: subscription.push_endpoint,
            event: subscription.event.name().to_owned(),
            filter: subscription.filter.map(|filter| filter.text().to_owned()),
            waiting: one.waiting,
            deliveries: calls.collect(),
        })
    }
}
