use std::io::{self, IsTerminal as _};

use switchgear_core::backend::Backend;

/// The list of backends for whoever reads standard output: a table for people, Markdown for scripts.
pub(super) fn backend_list(backends: &[Backend]) -> String {
    if io::stdout().is_terminal() {
        table(backends)
    } else {
        markdown(backends)
    }
}

fn markdown(backends: &[Backend]) -> String {
    let mut text = "# Discovery Backends\n\n".to_owned();
    for backend in backends {
        let name = backend.name.as_ref().map_or("[null]", |name| name.as_str());
        let lines = [
            format!("## Address: {}\n", one_line(&backend.address.readable())),
            format!("* name: {}", one_line(name)),
            format!("* location: {}", backend.address),
            format!("* enabled: {}", backend.enabled),
            format!("* weight: {}", backend.weight.get()),
            format!("* partitions: {}\n\n", partitions(backend)),
        ];
        text.push_str(&lines.join("\n"));
    }
    text
}

fn table(backends: &[Backend]) -> String {
    let heads = ["ADDRESS", "NAME", "PARTITIONS", "ENABLED", "WEIGHT"].map(str::to_owned);
    let rows = backends.iter().map(|backend| {
        let name = backend.name.as_ref().map_or("", |name| name.as_str());
        [
            one_line(&backend.address.readable()),
            one_line(name),
            partitions(backend),
            backend.enabled.to_string(),
            backend.weight.get().to_string(),
        ]
    });
    let rows: Vec<[String; 5]> = std::iter::once(heads).chain(rows).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..5).map(width).collect();
    let line = |row: &[String; 5]| {
        let cells: Vec<_> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

fn partitions(backend: &Backend) -> String {
    let names: Vec<_> = backend
        .partitions
        .iter()
        .map(|name| name.as_str())
        .collect();
    names.join(", ")
}

/// Escapes what would break a line or steer a terminal.
fn one_line(text: &str) -> String {
    let escape = |character: char| -> String {
        if character.is_control() {
            character.escape_default().collect()
        } else {
            character.to_string()
        }
    };
    text.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backend(name: Option<&str>) -> Backend {
        let mut value = serde_json::json!({
            "address": {"url": "https://lnd.example.com"},
            "partitions": ["us", "default"],
            "weight": 7,
            "enabled": true,
            "implementation": {
                "type": "lndGrpc", "url": "https://127.0.0.1:10009", "ampInvoice": false,
                "auth": {"type": "path", "tlsCertPath": "/tls.cert", "macaroonPath": "/a.macaroon"},
            },
        });
        value["name"] = serde_json::json!(name);
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn lists_backends_as_the_markdown_that_scripts_parse() {
        assert_eq!(markdown(&[]), "# Discovery Backends\n\n");
        assert_eq!(
            markdown(&[backend(Some("one")), backend(None)]),
            "# Discovery Backends\n\n\
             ## Address: https://lnd.example.com/\n\n\
             * name: one\n\
             * location: url/aHR0cHM6Ly9sbmQuZXhhbXBsZS5jb20v\n\
             * enabled: true\n\
             * weight: 7\n\
             * partitions: default, us\n\n\
             ## Address: https://lnd.example.com/\n\n\
             * name: [null]\n\
             * location: url/aHR0cHM6Ly9sbmQuZXhhbXBsZS5jb20v\n\
             * enabled: true\n\
             * weight: 7\n\
             * partitions: default, us\n\n"
        );
    }

    #[test]
    fn lists_backends_as_an_aligned_table_that_no_name_can_break() {
        assert_eq!(
            table(&[backend(Some("one\n\u{1b}[2J"))]),
            "ADDRESS                   NAME            PARTITIONS   ENABLED  WEIGHT\n\
             https://lnd.example.com/  one\\n\\u{1b}[2J  default, us  true     7\n"
        );
    }
}
