//! C7: LNURLs of any length are read back by decoders that are not ours, as text and as a picture.

use anyhow::{Context as _, ensure};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use switchgear_core::lnurl;
use switchgear_tests::{Service, SwgrOptions, row::Row};

use crate::{offers::NewOffer, size::size, stage::Stage};

/// The longest URL.
const LONGEST: usize = 4_000;

#[test]
fn c7_lnurls_of_any_length_are_read_back_in_both_cases() -> anyhow::Result<()> {
    let seed = rand::random();
    let mut random = StdRng::seed_from_u64(seed);
    let count = size(1_000, 10_000);
    for _ in 0..count {
        let url = random_url(&mut random);
        let lnurl = lnurl::encode(&url);
        let round = || {
            ensure!(bech32(&lnurl)? == url.as_bytes(), "another decoder");
            ensure!(lnurl::decode(&lnurl)? == url, "upper case");
            ensure!(lnurl::decode(&lnurl.to_lowercase())? == url, "lower case");
            ensure!(lnurl::decode(&mixed(&lnurl)).is_err(), "mixed case");
            Ok(())
        };
        round().with_context(|| format!("{url}, seed {seed}"))?;
    }
    let mut row = Row::new(
        "edge",
        "C7",
        format!("LNURLs of random URLs up to {LONGEST} letters"),
    );
    row.figure(format!("{count} of {count} read back"));
    // The first that is not has ended the test.
    row.must("read by another decoder, mixed case refused", true);
    row.finish()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c7_served_lnurls_and_their_pictures_are_read_back() -> anyhow::Result<()> {
    let mut pictures = 0;
    // The last is longer than any picture holds: 4,296 letters.
    for (length, [scale, light, dark]) in [
        (0, [1, 255, 0]),
        (200, [8, 220, 40]),
        (1_500, [3, 255, 0]),
        (LONGEST, [8, 255, 0]),
    ] {
        let base = format!("https://pay.example/{}", "b".repeat(length));
        let lines = [
            format!("public-url: {base}"),
            format!("bech32-qr-scale: {scale}"),
            format!("bech32-qr-light: {light}"),
            format!("bech32-qr-dark: {dark}"),
        ];
        let options =
            SwgrOptions::new().with_lines(Service::Lnurl, &lines.each_ref().map(|line| &**line));
        let stage = Stage::start(&options, 0).await?;
        let offer = NewOffer::new("lnurl", 1, 1);
        let path = offer.publish(&mut stage.admin(Service::Offer)?).await?;
        let url = format!("{}{path}", base.trim_end_matches('/'));
        let door = stage.door(Service::Lnurl)?;

        let text = door.get(&format!("{path}/bech32")).await?;
        assert_eq!(text.header("content-type"), "text/plain; charset=utf-8");
        let lnurl = text.text();
        assert_eq!(lnurl, lnurl.to_uppercase());
        assert_eq!(bech32(&lnurl)?, url.as_bytes());

        let picture = door.get(&format!("{path}/bech32/qr")).await?;
        if length == LONGEST {
            let reason = picture.json()?["reason"].to_string();
            assert!(
                picture.status == 400 && reason.contains("too long"),
                "{reason}"
            );
        } else {
            assert_eq!(picture.header("content-type"), "image/png");
            let read = read(&picture.body)?;
            assert_eq!(read.text, lnurl, "{length}");
            assert_eq!([read.light, read.dark], [light, dark]);
            pictures += 1;
        }
        stage.end().await?;
    }
    let mut row = Row::new("edge", "C7", "served LNURLs and their pictures");
    row.figure(format!(
        "{pictures} pictures read back, one LNURL too long for any"
    ));
    row.must("read by another decoder", pictures == 3);
    row.finish()
}

/// What a camera sees.
struct Picture {
    text: String,
    light: u8,
    dark: u8,
}

fn read(png: &[u8]) -> anyhow::Result<Picture> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info()?;
    let size = reader.output_buffer_size().context("too large")?;
    let mut pixels = vec![0; size];
    let frame = reader.next_frame(&mut pixels)?;
    let (width, height) = (frame.width as usize, frame.height as usize);
    let step = frame.buffer_size() / (width * height);
    let grey = |x: usize, y: usize| pixels[(y * width + x) * step];
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, grey);
    let grids = image.detect_grids();
    let grid = grids.first().context("no code is seen")?;
    let greys = pixels.iter().step_by(step);
    Ok(Picture {
        text: grid.decode()?.1,
        light: greys.clone().copied().max().context("no pixel")?,
        dark: greys.copied().min().context("no pixel")?,
    })
}

fn random_url(random: &mut StdRng) -> String {
    const LETTERS: &[u8] = b"abcXYZ0189-._~:/?#[]@!$&'()*+,;=%";

    let length = random.random_range(0..=LONGEST - "https://a.example/".len());
    let path: String = (0..length)
        .map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())]))
        .collect();
    format!("https://a.example/{path}")
}

/// With its last letter in the other case; a digit has none, and so the last that is none.
fn mixed(lnurl: &str) -> String {
    let at = lnurl.rfind(|letter: char| letter.is_ascii_uppercase());
    let mut mixed = lnurl.to_owned();
    if let Some(at) = at {
        mixed[at..=at].make_ascii_lowercase();
    }
    mixed
}

/// A decoder of BIP-173's own words, without its limit of length: gives the bytes.
fn bech32(text: &str) -> anyhow::Result<Vec<u8>> {
    const LETTERS: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    const GENERATOR: [u32; 5] = [
        0x3b6a_57b2,
        0x2650_8e6d,
        0x1ea1_19fa,
        0x3d42_33dd,
        0x2a14_62b3,
    ];

    let text = text.to_lowercase();
    let (kind, data) = text.rsplit_once('1').context("no separator")?;
    ensure!(kind == "lnurl", "it is for {kind}");
    let values = data.bytes().map(|letter| {
        let place = LETTERS.iter().position(|known| *known == letter);
        Ok(u32::try_from(place.context("no letter of bech32")?)?)
    });
    let values: Vec<u32> = values.collect::<anyhow::Result<_>>()?;

    let high = kind.bytes().map(|byte| u32::from(byte) >> 5);
    let low = kind.bytes().map(|byte| u32::from(byte) & 31);
    let expanded = high.chain([0]).chain(low);
    let checksum = expanded
        .chain(values.iter().copied())
        .fold(1, |sum, value| {
            let top = sum >> 25;
            let sum = (sum & 0x01ff_ffff) << 5 ^ value;
            let taps = GENERATOR.iter().enumerate();
            taps.filter(|(bit, _)| top >> bit & 1 == 1)
                .fold(sum, |sum, (_, tap)| sum ^ tap)
        });
    ensure!(checksum == 1, "the checksum is wrong");

    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for value in &values[..values.len() - 6] {
        held = (held << 5 | value) & 0xfff;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff)?);
        }
    }
    Ok(bytes)
}
