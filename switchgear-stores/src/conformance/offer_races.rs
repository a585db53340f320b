//! Many callers who change offers and their metadata at once.

use futures::future::{join, join_all};
use switchgear_core::{
    offer::{Offer, OfferMetadata},
    store::{PageStart, StoreErrorKind, Written},
};

use super::{
    offers::Described,
    outcome::{done, refused},
    records,
};

/// How many callers write at once.
const CALLERS: usize = 16;

pub(super) async fn run(records: &Described<'_>) {
    lets_one_of_many_win(records).await;
    lists_what_many_wrote(records).await;
    misses_nothing_while_others_write(records).await;
    puts_and_deletes_come_in_any_order(records).await;
    never_has_an_offer_without_metadata(records).await;
    never_moves_an_offer_to_lost_metadata(records).await;
}

async fn lets_one_of_many_win(records: &Described<'_>) {
    let offer = records::offer(&records.text);
    let posts = join_all((0..CALLERS).map(|_| records.offers.post_offer(offer.clone()))).await;
    let (won, lost): (Vec<_>, Vec<_>) = posts.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1, "one of many posts must win");
    for post in lost {
        refused(post, StoreErrorKind::Conflict, "", "a post that came later");
    }
    records.delete(offer.id).await;

    let puts = join_all((0..CALLERS).map(|_| records.offers.put_offer(offer.clone()))).await;
    let puts: Vec<Written> = puts.into_iter().map(|put| done(put, "a put")).collect();
    let created = puts.iter().filter(|&&put| put == Written::Created);
    assert_eq!(created.count(), 1, "one of many puts must create");

    let delete = || records.offers.delete_offer(&records.partition, offer.id);
    let deletes = join_all((0..CALLERS).map(|_| delete())).await;
    let (won, lost): (Vec<_>, Vec<_>) = deletes.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1, "one of many deletes must win");
    for delete in lost {
        refused(
            delete,
            StoreErrorKind::NotFound,
            "",
            "a delete that came later",
        );
    }
}

/// A put meets a record that comes and goes, and is done all the same.
async fn puts_and_deletes_come_in_any_order(records: &Described<'_>) {
    let offer = records::offer(&records.text);
    let put = || records.offers.put_offer(offer.clone());
    let delete = || records.offers.delete_offer(&records.partition, offer.id);
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
    records.delete(offer.id).await;
}

/// A write that is refused takes none of its neighbours along.
async fn lists_what_many_wrote(records: &Described<'_>) {
    let many: Vec<_> = (0..CALLERS)
        .map(|_| records::offer(&records.text))
        .collect();
    let astray = records::offer(&records::metadata(&records.partition));
    let posts = many.iter().flat_map(|each| [each, &astray]);
    let posts = join_all(posts.map(|each| records.offers.post_offer(each.clone()))).await;
    for (n, post) in posts.into_iter().enumerate() {
        match n % 2 {
            0 => done(post, "a post beside refused ones"),
            _ => refused(post, StoreErrorKind::Invalid, "", "a post without metadata"),
        }
    }
    let listed = records.page(PageStart::Offset(0), 100).await;
    assert_eq!(listed.len(), CALLERS, "each of many posts must be listed");
    for offer in &many {
        records.delete(offer.id).await;
    }
}

/// Who lists by key finds every offer that stood when the list was begun.
async fn misses_nothing_while_others_write(records: &Described<'_>) {
    let standing: Vec<_> = (0..CALLERS)
        .map(|_| records::offer(&records.text))
        .collect();
    for offer in &standing {
        done(records.offers.post_offer(offer.clone()).await, "a post");
    }
    let coming: Vec<_> = (0..CALLERS)
        .map(|_| records::offer(&records.text))
        .collect();
    let writes = join_all(
        coming
            .iter()
            .map(|each| records.offers.post_offer(each.clone())),
    );
    let reads = async {
        let mut listed = records.page(PageStart::Offset(0), 3).await;
        while let Some(last) = listed.last() {
            let page = records.page(PageStart::After(last.id), 3).await;
            if page.is_empty() {
                break;
            }
            listed.extend(page);
        }
        listed
    };
    let (written, listed) = join(writes, reads).await;
    for post in written {
        done(post, "a post");
    }
    assert_eq!(listed[..CALLERS], standing, "what stood when paging began");
    let late = &listed[CALLERS..];
    let is_single = |offer: &Offer| late.iter().filter(|each| each.id == offer.id).count() == 1;
    assert!(late.iter().all(is_single), "an offer is listed twice");
    for offer in standing.iter().chain(&coming) {
        records.delete(offer.id).await;
    }
}

async fn never_has_an_offer_without_metadata(records: &Described<'_>) {
    for n in 0..CALLERS {
        let other = new_metadata(records).await;
        let offer = records::offer(&other);
        let write = async {
            match n % 2 {
                0 => records.offers.post_offer(offer.clone()).await,
                _ => records.offers.put_offer(offer.clone()).await.map(drop),
            }
        };
        let delete = records
            .metadata
            .delete_metadata(&records.partition, other.id);
        let (written, deleted) = join(write, delete).await;
        assert_ne!(
            written.is_ok(),
            deleted.is_ok(),
            "one must refuse the other: {written:?}, {deleted:?}"
        );
        let (lost, what) = match written {
            Ok(()) => (deleted, "a delete of metadata that came to be used"),
            Err(_) => (written, "a write whose metadata went"),
        };
        let kept = lost.is_err() && records.find(offer.id).await.is_some();
        refused(lost, StoreErrorKind::Invalid, "", what);
        if kept {
            records.delete(offer.id).await;
            records.delete_metadata(other.id).await;
        }
    }
}

async fn never_moves_an_offer_to_lost_metadata(records: &Described<'_>) {
    let others = join_all((0..CALLERS).map(|_| new_metadata(records))).await;
    let offers: Vec<_> = (0..CALLERS)
        .map(|_| records::offer(&records.text))
        .collect();
    for offer in &offers {
        done(records.offers.post_offer(offer.clone()).await, "a post");
    }
    let moves = join_all(offers.iter().zip(&others).map(|(offer, other)| {
        records.offers.put_offer(Offer {
            metadata_id: other.id,
            ..offer.clone()
        })
    }));
    let deletes = others.iter().map(|other| {
        records
            .metadata
            .delete_metadata(&records.partition, other.id)
    });
    let (moved, deleted) = join(moves, join_all(deletes)).await;
    for ((offer, other), (moved, deleted)) in offers
        .iter()
        .zip(&others)
        .zip(moved.into_iter().zip(deleted))
    {
        assert_ne!(
            moved.is_ok(),
            deleted.is_ok(),
            "one must refuse the other: {moved:?}, {deleted:?}"
        );
        let found = records.find(offer.id).await.expect("the offer is there");
        let described_by = if moved.is_ok() { other } else { &records.text };
        assert_eq!(found.metadata_id, described_by.id, "half a move");
        records.delete(offer.id).await;
        if moved.is_ok() {
            records.delete_metadata(other.id).await;
        }
    }
}

async fn new_metadata(records: &Described<'_>) -> OfferMetadata {
    let metadata = records::metadata(&records.partition);
    done(
        records.metadata.post_metadata(metadata.clone()).await,
        "a post of metadata",
    );
    metadata
}
