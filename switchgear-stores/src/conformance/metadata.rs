use futures::future::{join, join_all};
use switchgear_core::{
    Partition,
    offer::{OfferMetadata, OfferMetadataStore},
    store::{Page, PageStart, StoreErrorKind, Written},
};
use uuid::Uuid;

use super::{
    outcome::{done, refused},
    records::{self, named_partition, partition},
};

/// How many callers write at once.
const CALLERS: usize = 16;

/// Checks a store of metadata, in partitions of the suite's own. What it wrote is deleted again.
///
/// # Panics
/// With what the store does otherwise.
pub async fn metadata(store: &dyn OfferMetadataStore) {
    keeps_every_field(store).await;
    keeps_text_to_the_letter(store).await;
    keeps_partitions_apart(store).await;
    refuses_what_contradicts_its_records(store).await;
    lists_in_the_order_of_creation(store).await;
    loses_nothing_to_concurrent_writers(store).await;
    puts_and_deletes_come_in_any_order(store).await;
}

async fn keeps_every_field(store: &dyn OfferMetadataStore) {
    let partition = partition();
    let extreme = records::extreme_metadata(&partition);
    let bare = records::metadata(&partition);
    done(store.post_metadata(extreme.clone()).await, "a post");
    let found = done(store.metadata(&partition, extreme.id).await, "a get");
    assert_eq!(
        found.as_ref(),
        Some(&extreme),
        "what was posted must be read"
    );

    // What was there must go, and come again.
    for record in [
        OfferMetadata {
            id: extreme.id,
            ..bare.clone()
        },
        OfferMetadata {
            id: extreme.id,
            ..records::other_extreme_metadata(&partition)
        },
        extreme.clone(),
        extreme.clone(),
    ] {
        let written = done(store.put_metadata(record.clone()).await, "a put");
        assert_eq!(written, Written::Updated, "the put of an existing record");
        let found = done(store.metadata(&partition, record.id).await, "a get");
        assert_eq!(found, Some(record), "what was put must be read");
    }
    let written = done(store.put_metadata(bare.clone()).await, "a put");
    assert_eq!(written, Written::Created, "the put of a new record");
    for record in [bare, extreme] {
        done(
            store.delete_metadata(&partition, record.id).await,
            "a delete",
        );
        let found = done(store.metadata(&partition, record.id).await, "a get");
        assert_eq!(found, None, "a deleted record must not be found");
    }
}

async fn keeps_text_to_the_letter(store: &dyn OfferMetadataStore) {
    let partition = partition();
    let mut record = records::metadata(&partition);
    done(store.post_metadata(record.clone()).await, "a post");
    for text in records::SIMILAR {
        record.text = records::text(text);
        record.long_text = Some(records::text(text));
        let written = done(store.put_metadata(record.clone()).await, "a put");
        assert_eq!(written, Written::Updated, "the put of the text {text:?}");
        let found = done(store.metadata(&partition, record.id).await, "a get");
        assert_eq!(found.as_ref(), Some(&record), "the text {text:?}");
    }
    done(
        store.delete_metadata(&partition, record.id).await,
        "a delete",
    );
}

/// Names that differ in case only are two, and a dot is a name like any other.
async fn keeps_partitions_apart(store: &dyn OfferMetadataStore) {
    let run = Uuid::new_v4().simple().to_string();
    let partitions: Vec<Partition> = [
        format!("{run}-a"),
        format!("{run}-A"),
        format!("{run}~_.-"),
        format!("{run:~<64}"),
    ]
    .iter()
    .map(|name| named_partition(name))
    .collect();
    let id = Uuid::new_v4();
    for partition in &partitions {
        let record = OfferMetadata {
            id,
            text: records::text(partition.as_str()),
            ..records::metadata(partition)
        };
        done(
            store.post_metadata(record).await,
            "a post of one id in each partition",
        );
    }
    for partition in &partitions {
        let found = done(store.metadata(partition, id).await, "a get");
        let text = found.map(|record| record.text.to_string());
        assert_eq!(
            text.as_deref(),
            Some(partition.as_str()),
            "another partition's record"
        );
        let listed = done(store.metadata_page(partition, first(10)).await, "a list");
        assert_eq!(listed.len(), 1, "a partition lists its own records only");
        done(store.delete_metadata(partition, id).await, "a delete");
    }
}

async fn refuses_what_contradicts_its_records(store: &dyn OfferMetadataStore) {
    let partition = partition();
    let record = records::metadata(&partition);
    let id = record.id.to_string();
    let deleted = store.delete_metadata(&partition, record.id).await;
    refused(
        deleted,
        StoreErrorKind::NotFound,
        &id,
        "a delete of nothing",
    );

    done(store.post_metadata(record.clone()).await, "a post");
    let again = OfferMetadata {
        text: records::text("another"),
        ..record.clone()
    };
    let posted = store.post_metadata(again).await;
    refused(posted, StoreErrorKind::Conflict, &id, "a second post");
    let found = done(store.metadata(&partition, record.id).await, "a get");
    assert_eq!(
        found.as_ref(),
        Some(&record),
        "a refused post must change nothing"
    );
    done(
        store.delete_metadata(&partition, record.id).await,
        "a delete",
    );
}

async fn lists_in_the_order_of_creation(store: &dyn OfferMetadataStore) {
    let partition = partition();
    let mut all: Vec<OfferMetadata> = (0..7).map(|_| records::metadata(&partition)).collect();
    for record in &all {
        done(store.post_metadata(record.clone()).await, "a post");
    }
    let first_record = &mut all[0];
    first_record.text = records::text("changed");
    done(store.put_metadata(first_record.clone()).await, "a put");

    let page = |start, count| Page { start, count };
    for offset in 0..9 {
        let start = PageStart::Offset(offset as u64);
        let listed = done(
            store.metadata_page(&partition, page(start, 3)).await,
            "a list",
        );
        let expected: Vec<_> = all.iter().skip(offset).take(3).cloned().collect();
        assert_eq!(listed, expected, "three records from the offset {offset}");
    }
    for n in 0..all.len() {
        let start = PageStart::After(all[n].id);
        let listed = done(
            store.metadata_page(&partition, page(start, 3)).await,
            "a list",
        );
        let expected: Vec<_> = all.iter().skip(n + 1).take(3).cloned().collect();
        assert_eq!(listed, expected, "three records after the one in place {n}");
    }
    let start = PageStart::Offset(u64::MAX);
    let listed = store.metadata_page(&partition, page(start, 3)).await;
    assert_eq!(done(listed, "a list"), [], "behind the largest offset");
    let start = PageStart::After(all[0].id);
    let listed = store
        .metadata_page(&self::partition(), page(start, 3))
        .await;
    let what = "a page after another partition's record";
    refused(listed, StoreErrorKind::Invalid, "after", what);
    for record in &all {
        done(
            store.delete_metadata(&partition, record.id).await,
            "a delete",
        );
    }
    let listed = store.metadata_page(&partition, page(start, 3)).await;
    let what = "a page after a deleted record";
    refused(listed, StoreErrorKind::Invalid, "after", what);
}

async fn loses_nothing_to_concurrent_writers(store: &dyn OfferMetadataStore) {
    let partition = partition();
    let record = records::metadata(&partition);
    let posts = join_all((0..CALLERS).map(|_| store.post_metadata(record.clone()))).await;
    let won = posts.into_iter().filter(Result::is_ok);
    assert_eq!(won.count(), 1, "one of many posts must win");

    let many: Vec<_> = (0..CALLERS)
        .map(|_| records::metadata(&partition))
        .collect();
    let puts = join_all(many.iter().map(|each| store.put_metadata(each.clone()))).await;
    for put in puts {
        assert_eq!(done(put, "a put"), Written::Created);
    }
    let listed = done(store.metadata_page(&partition, first(100)).await, "a list");
    assert_eq!(
        listed.len(),
        CALLERS + 1,
        "each of many puts must be listed"
    );
    let ids = many.iter().map(|each| each.id).chain([record.id]);
    let deletes = join_all(ids.map(|id| store.delete_metadata(&partition, id))).await;
    deletes
        .into_iter()
        .for_each(|delete| done(delete, "a delete"));
}

fn first(count: usize) -> Page {
    Page {
        start: PageStart::Offset(0),
        count,
    }
}

/// A put meets a record that comes and goes, and is done all the same.
async fn puts_and_deletes_come_in_any_order(store: &dyn OfferMetadataStore) {
    let partition = partition();
    let record = records::metadata(&partition);
    let put = || store.put_metadata(record.clone());
    let delete = || store.delete_metadata(&partition, record.id);
    let puts = join_all((0..CALLERS).map(|_| put()));
    let deletes = join_all((0..CALLERS).map(|_| delete()));
    let (puts, deletes) = join(puts, deletes).await;
    for put in puts {
        done(put, "a put beside deletes");
    }
    for delete in deletes.into_iter().filter(Result::is_err) {
        let what = "a delete beside puts";
        refused(delete, StoreErrorKind::NotFound, "", what);
    }
    done(put().await, "a put after the race");
    done(delete().await, "a delete after the race");
}
