-- AUTOINCREMENT, so that a place in the order of creation is never given twice.
CREATE TABLE discovery_backends (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    address TEXT NOT NULL UNIQUE,
    name TEXT,
    partitions TEXT NOT NULL,
    weight INTEGER NOT NULL CHECK (weight BETWEEN 0 AND 65535),
    enabled BOOLEAN NOT NULL CHECK (enabled IN (0, 1)),
    implementation TEXT NOT NULL
);

-- One row: which state the backends are in. The epoch tells this database from one that was
-- deleted and created anew, whose counter starts again.
CREATE TABLE discovery_version (
    singleton INTEGER PRIMARY KEY NOT NULL CHECK (singleton = 1),
    epoch TEXT NOT NULL,
    counter BIGINT NOT NULL
);

INSERT INTO discovery_version (singleton, epoch, counter) VALUES (1, lower(hex(randomblob(8))), 0);

CREATE TABLE offer_metadata (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    partition TEXT NOT NULL,
    id TEXT NOT NULL,
    text TEXT NOT NULL,
    long_text TEXT,
    image_type TEXT CHECK (image_type IN ('png', 'jpeg')),
    image TEXT,
    identifier_type TEXT CHECK (identifier_type IN ('text', 'email')),
    identifier TEXT,
    UNIQUE (partition, id),
    CHECK ((image_type IS NULL) = (image IS NULL)),
    CHECK ((identifier_type IS NULL) = (identifier IS NULL))
);

CREATE INDEX offer_metadata_order ON offer_metadata (partition, sequence);

-- Times are microseconds since 1970-01-01T00:00:00Z, amounts are msat.
CREATE TABLE offers (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    partition TEXT NOT NULL,
    id TEXT NOT NULL,
    max_sendable BIGINT NOT NULL,
    min_sendable BIGINT NOT NULL,
    metadata_id TEXT NOT NULL,
    timestamp_us BIGINT NOT NULL,
    expires_us BIGINT,
    UNIQUE (partition, id),
    FOREIGN KEY (partition, metadata_id) REFERENCES offer_metadata (partition, id),
    CHECK (1 <= min_sendable AND min_sendable <= max_sendable)
);

CREATE INDEX offers_order ON offers (partition, sequence);
CREATE INDEX offers_metadata ON offers (partition, metadata_id);
