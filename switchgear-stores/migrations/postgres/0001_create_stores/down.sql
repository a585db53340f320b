DROP TABLE offers;
DROP TABLE offer_metadata;
DROP TABLE discovery_version;
DROP TABLE discovery_backends;
