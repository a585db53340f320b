// A wallet that is built on the package `lnurl-pay`: LNURL SATOSHI COMMENT.
import { requestInvoice } from "lnurl-pay";

import { answer, version } from "./answer.mjs";

const [lnurl, satoshi, comment] = process.argv.slice(2);

await answer(await version("lnurl-pay"), async () => {
  const { invoice } = await requestInvoice({
    lnUrlOrAddress: lnurl,
    tokens: Number(satoshi),
    comment,
    // Its own verification: signature, amount and the hash of the description.
    validateInvoice: true,
  });
  return invoice;
});
