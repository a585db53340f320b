-- Text is compared byte by byte (COLLATE "C"), so that keys mean the same in every locale of a
-- server and an index survives a change of its collation library.
--
-- `sequence` has no index of its own: a page of a small partition, planned for any partition, would
-- read the whole table along it.
CREATE TABLE discovery_backends (
    sequence BIGINT GENERATED ALWAYS AS IDENTITY,
    address TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C",
    partitions TEXT COLLATE "C" NOT NULL,
    weight INTEGER NOT NULL CHECK (weight BETWEEN 0 AND 65535),
    enabled BOOLEAN NOT NULL,
    implementation TEXT COLLATE "C" NOT NULL
);

-- The longest address is longer than what an ordinary index takes.
CREATE UNIQUE INDEX discovery_backends_address ON discovery_backends (md5(address));
CREATE INDEX discovery_backends_look_up ON discovery_backends USING hash (address);

-- One row: which state the backends are in. The epoch tells this database from one that was
-- deleted and created anew, whose counter starts again.
CREATE TABLE discovery_version (
    singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
    epoch TEXT COLLATE "C" NOT NULL,
    counter BIGINT NOT NULL
);

INSERT INTO discovery_version (singleton, epoch, counter)
VALUES (1, left(replace(gen_random_uuid()::text, '-', ''), 16), 0);

CREATE TABLE offer_metadata (
    sequence BIGINT GENERATED ALWAYS AS IDENTITY,
    partition TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    text TEXT COLLATE "C" NOT NULL,
    long_text TEXT COLLATE "C",
    image_type TEXT COLLATE "C" CHECK (image_type IN ('png', 'jpeg')),
    image TEXT COLLATE "C",
    identifier_type TEXT COLLATE "C" CHECK (identifier_type IN ('text', 'email')),
    identifier TEXT COLLATE "C",
    PRIMARY KEY (partition, id),
    CHECK ((image_type IS NULL) = (image IS NULL)),
    CHECK ((identifier_type IS NULL) = (identifier IS NULL))
);

-- Pictures are compressed already: no time is spent on compressing their text again.
ALTER TABLE offer_metadata ALTER COLUMN image SET STORAGE EXTERNAL;

CREATE UNIQUE INDEX offer_metadata_order ON offer_metadata (partition, sequence);

-- Times are microseconds since 1970-01-01T00:00:00Z, amounts are msat.
CREATE TABLE offers (
    sequence BIGINT GENERATED ALWAYS AS IDENTITY,
    partition TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    max_sendable BIGINT NOT NULL,
    min_sendable BIGINT NOT NULL,
    metadata_id TEXT COLLATE "C" NOT NULL,
    timestamp_us BIGINT NOT NULL,
    expires_us BIGINT,
    PRIMARY KEY (partition, id),
    FOREIGN KEY (partition, metadata_id) REFERENCES offer_metadata (partition, id),
    CHECK (1 <= min_sendable AND min_sendable <= max_sendable)
);

CREATE UNIQUE INDEX offers_order ON offers (partition, sequence);
CREATE INDEX offers_metadata ON offers (partition, metadata_id);
