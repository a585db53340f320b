// A web shop that is built on the package `@getalby/lightning-tools`: LNURL SATOSHI COMMENT.
import { LightningAddress } from "@getalby/lightning-tools";
import { bech32 } from "@scure/base";

import { answer, version } from "./answer.mjs";

const [lnurl, satoshi, comment] = process.argv.slice(2);

await answer(await version("@getalby/lightning-tools"), async () => {
  // The package knows addresses only; from the offer on, it does what it does for them.
  const { bytes } = bech32.decodeToBytes(lnurl);
  const offer = await fetch(new TextDecoder().decode(bytes));
  const address = new LightningAddress("shop@localhost", { proxy: false });
  await address.parseLnUrlPayResponse(await offer.json());
  const invoice = await address.requestInvoice({ satoshi: Number(satoshi), comment });
  if (invoice.satoshi !== Number(satoshi)) {
    throw new Error(`the invoice is for ${invoice.satoshi} sat`);
  }
  return invoice.paymentRequest;
});
