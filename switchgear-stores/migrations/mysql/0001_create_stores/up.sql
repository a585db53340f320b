-- Each CREATE TABLE commits by itself: a migration that was broken off is run again from its start,
-- so every statement here may find its work done.

-- An address is ASCII of up to 2,735 letters: an index takes 3,072 bytes.
CREATE TABLE IF NOT EXISTS discovery_backends (
    sequence BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    address VARCHAR(3000) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    name VARCHAR(255),
    partitions MEDIUMTEXT NOT NULL,
    weight INTEGER NOT NULL CHECK (weight BETWEEN 0 AND 65535),
    enabled BOOLEAN NOT NULL CHECK (enabled IN (0, 1)),
    implementation MEDIUMTEXT NOT NULL,
    UNIQUE KEY discovery_backends_address (address)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row: which state the backends are in. The epoch tells this database from one that was
-- deleted and created anew, whose counter starts again.
CREATE TABLE IF NOT EXISTS discovery_version (
    singleton INTEGER NOT NULL PRIMARY KEY CHECK (singleton = 1),
    epoch VARCHAR(36) NOT NULL,
    counter BIGINT NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT IGNORE INTO discovery_version (singleton, epoch, counter)
VALUES (1, LEFT(SHA2(CONCAT(UUID(), RAND()), 256), 16), 0);

-- Rows lie in the order in which they are listed; the key of `sequence` is what AUTO_INCREMENT asks
-- for.
CREATE TABLE IF NOT EXISTS offer_metadata (
    sequence BIGINT NOT NULL AUTO_INCREMENT,
    `partition` VARCHAR(64) NOT NULL,
    id CHAR(36) NOT NULL,
    text MEDIUMTEXT NOT NULL,
    long_text MEDIUMTEXT,
    image_type VARCHAR(8) CHECK (image_type IN ('png', 'jpeg')),
    image MEDIUMTEXT,
    identifier_type VARCHAR(8) CHECK (identifier_type IN ('text', 'email')),
    identifier VARCHAR(320),
    PRIMARY KEY (`partition`, sequence),
    UNIQUE KEY offer_metadata_sequence (sequence),
    UNIQUE KEY offer_metadata_id (`partition`, id),
    CHECK ((image_type IS NULL) = (image IS NULL)),
    CHECK ((identifier_type IS NULL) = (identifier IS NULL))
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Times are microseconds since 1970-01-01T00:00:00Z, amounts are msat.
CREATE TABLE IF NOT EXISTS offers (
    sequence BIGINT NOT NULL AUTO_INCREMENT,
    `partition` VARCHAR(64) NOT NULL,
    id CHAR(36) NOT NULL,
    max_sendable BIGINT NOT NULL,
    min_sendable BIGINT NOT NULL,
    metadata_id CHAR(36) NOT NULL,
    timestamp_us BIGINT NOT NULL,
    expires_us BIGINT,
    PRIMARY KEY (`partition`, sequence),
    UNIQUE KEY offers_sequence (sequence),
    UNIQUE KEY offers_id (`partition`, id),
    KEY offers_metadata (`partition`, metadata_id),
    CONSTRAINT offers_described_by FOREIGN KEY (`partition`, metadata_id)
        REFERENCES offer_metadata (`partition`, id),
    CHECK (1 <= min_sendable AND min_sendable <= max_sendable)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
