use std::error::Error;

use diesel::prelude::{AsChangeset, Insertable, Queryable, Selectable};
use switchgear_core::{
    Partition,
    offer::{Identifier, Image, InternetAddress, OfferMetadata, Text},
    store::StoreError,
};

use super::{fault::damaged, schema::offer_metadata};

/// A metadata record in columns; the picture is the base64 text that is served.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = offer_metadata, primary_key(partition, id), treat_none_as_null = true)]
pub(crate) struct MetadataRow {
    pub(crate) partition: String,
    pub(crate) id: String,
    text: String,
    long_text: Option<String>,
    image_type: Option<String>,
    image: Option<String>,
    identifier_type: Option<String>,
    identifier: Option<String>,
}

impl From<&OfferMetadata> for MetadataRow {
    fn from(metadata: &OfferMetadata) -> Self {
        let image = metadata.image.as_ref().map(|image| match image {
            Image::Png(data) => ("png", data.as_base64()),
            Image::Jpeg(data) => ("jpeg", data.as_base64()),
        });
        let identifier = metadata
            .identifier
            .as_ref()
            .map(|identifier| match identifier {
                Identifier::Text(address) => ("text", address.as_str()),
                Identifier::Email(address) => ("email", address.as_str()),
            });
        Self {
            partition: metadata.partition.to_string(),
            id: metadata.id.to_string(),
            text: metadata.text.to_string(),
            long_text: metadata.long_text.as_ref().map(ToString::to_string),
            image_type: image.map(|(kind, _)| kind.to_owned()),
            image: image.map(|(_, data)| data.to_owned()),
            identifier_type: identifier.map(|(kind, _)| kind.to_owned()),
            identifier: identifier.map(|(_, address)| address.to_owned()),
        }
    }
}

impl TryFrom<MetadataRow> for OfferMetadata {
    type Error = StoreError;

    fn try_from(row: MetadataRow) -> Result<Self, StoreError> {
        read(&row)
            .map_err(|error| damaged(format_args!("metadata {}/{}", row.partition, row.id), error))
    }
}

fn read(row: &MetadataRow) -> Result<OfferMetadata, Box<dyn Error + Send + Sync>> {
    Ok(OfferMetadata {
        id: row.id.parse()?,
        partition: Partition::try_new(&row.partition)?,
        text: Text::try_new(&row.text)?,
        long_text: row.long_text.as_deref().map(Text::try_new).transpose()?,
        image: typed(&row.image_type, &row.image, |kind, data| match kind {
            "png" => Some(Image::try_png(data)),
            "jpeg" => Some(Image::try_jpeg(data)),
            _ => None,
        })?,
        identifier: typed(
            &row.identifier_type,
            &row.identifier,
            |kind, address| match kind {
                "text" => Some(InternetAddress::try_new(address).map(Identifier::Text)),
                "email" => Some(InternetAddress::try_new(address).map(Identifier::Email)),
                _ => None,
            },
        )?,
    })
}

/// Reads a value that stands in two columns, its type and its text.
fn typed<T, E>(
    kind: &Option<String>,
    text: &Option<String>,
    read: impl FnOnce(&str, &str) -> Option<Result<T, E>>,
) -> Result<Option<T>, Box<dyn Error + Send + Sync>>
where
    E: Error + Send + Sync + 'static,
{
    match (kind, text) {
        (Some(kind), Some(text)) => match read(kind, text) {
            Some(value) => Ok(Some(value?)),
            None => Err(format!("{kind} is no known type").into()),
        },
        (None, None) => Ok(None),
        _ => Err("a type and its value do not stand together".into()),
    }
}
