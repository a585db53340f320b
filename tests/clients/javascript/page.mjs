// The script of a shop's page, which pays an LNURL service of another origin by nothing but `fetch`.
import { decodeInvoice } from "@getalby/lightning-tools";
import { bech32 } from "@scure/base";

const element = (id) => document.getElementById(id);

// A header of its own makes the browser ask by a preflight first.
async function ask(url) {
  const response = await fetch(url, { headers: { "X-Shop": "page" } });
  const answer = await response.json();
  if (answer.status === "ERROR") throw new Error(answer.reason);
  return answer;
}

// The LNURL in the QR code that the service draws, whose pixels only a service with CORS lets a page read.
async function scan(url) {
  const image = element("code");
  image.src = url;
  await image.decode();
  const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight).getContext("2d");
  canvas.drawImage(image, 0, 0);
  const pixels = canvas.getImageData(0, 0, image.naturalWidth, image.naturalHeight);
  return globalThis.jsQR(pixels.data, pixels.width, pixels.height)?.data;
}

async function pay(lnurl, satoshi, comment) {
  const url = new TextDecoder().decode(bech32.decodeToBytes(lnurl).bytes);
  const offer = await ask(url);
  const scanned = await scan(`${url}/bech32/qr`);
  if (scanned !== lnurl) throw new Error(`the QR code holds ${scanned}`);
  const [, text] = JSON.parse(offer.metadata).find(([kind]) => kind === "text/plain");
  element("description").textContent = text;

  const amount = satoshi * 1000;
  if (offer.tag !== "payRequest" || amount < offer.minSendable || amount > offer.maxSendable) {
    throw new Error("the offer does not take this amount");
  }
  if ([...comment].length > (offer.commentAllowed ?? 0)) {
    throw new Error("the offer does not take this comment");
  }
  const callback = new URL(offer.callback);
  callback.searchParams.set("amount", amount);
  callback.searchParams.set("comment", comment);
  const { pr } = await ask(callback);
  const { millisatoshi } = decodeInvoice(pr);
  if (millisatoshi !== amount) throw new Error(`the invoice is for ${millisatoshi} msat`);
  return pr;
}

const wish = new URLSearchParams(location.search);
try {
  const invoice = await pay(wish.get("lnurl"), Number(wish.get("satoshi")), wish.get("comment"));
  element("invoice").textContent = invoice;
} catch (error) {
  element("error").textContent = error.message;
}
