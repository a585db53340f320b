use serde_json::{Value, json};
use uuid::Uuid;

use crate::admin::Admin;

/// An offer as it is posted, and its metadata.
#[derive(Debug, Clone)]
pub(crate) struct NewOffer {
    pub(crate) id: Uuid,
    pub(crate) offer: Value,
    pub(crate) metadata: Value,
}

impl NewOffer {
    /// Of a text, from `min` to `max` msat, since long ago and for ever.
    pub(crate) fn new(text: &str, min: u64, max: u64) -> Self {
        let (id, metadata) = (Uuid::new_v4(), Uuid::new_v4());
        Self {
            id,
            offer: json!({
                "partition": "default",
                "id": id,
                "minSendable": min,
                "maxSendable": max,
                "metadataId": metadata,
                "timestamp": "2020-01-01T00:00:00Z",
            }),
            metadata: json!({"partition": "default", "id": metadata, "text": text}),
        }
    }

    /// With an end, in RFC 3339.
    pub(crate) fn until(mut self, expires: &str) -> Self {
        self.offer["expires"] = expires.into();
        self
    }

    /// With one more part in its metadata.
    pub(crate) fn with(mut self, key: &str, value: Value) -> Self {
        self.metadata[key] = value;
        self
    }

    /// Where wallets find it.
    pub(crate) fn path(&self) -> String {
        format!("/offers/default/{}", self.id)
    }

    /// Creates both records; gives the path.
    pub(crate) async fn publish(&self, admin: &mut Admin) -> anyhow::Result<String> {
        admin.post("/metadata", &self.metadata).await?;
        admin.post("/offers", &self.offer).await?;
        Ok(self.path())
    }
}
