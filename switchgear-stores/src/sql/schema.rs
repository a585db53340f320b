//! The tables, as every database has them. `sequence` is the order of creation.

diesel::table! {
    discovery_backends (address) {
        sequence -> BigInt,
        address -> Text,
        name -> Nullable<Text>,
        partitions -> Text,
        weight -> Integer,
        enabled -> Bool,
        implementation -> Text,
    }
}

diesel::table! {
    discovery_version (singleton) {
        singleton -> Integer,
        epoch -> Text,
        counter -> BigInt,
    }
}

diesel::table! {
    offer_metadata (partition, id) {
        sequence -> BigInt,
        partition -> Text,
        id -> Text,
        text -> Text,
        long_text -> Nullable<Text>,
        image_type -> Nullable<Text>,
        image -> Nullable<Text>,
        identifier_type -> Nullable<Text>,
        identifier -> Nullable<Text>,
    }
}

diesel::table! {
    offers (partition, id) {
        sequence -> BigInt,
        partition -> Text,
        id -> Text,
        max_sendable -> BigInt,
        min_sendable -> BigInt,
        metadata_id -> Text,
        timestamp_us -> BigInt,
        expires_us -> Nullable<BigInt>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(offer_metadata, offers);
diesel::allow_tables_to_appear_in_same_query!(discovery_backends, discovery_version);
