"""A wallet that is built on the library `lnurl` of PyPI: LNURL SATOSHI COMMENT."""

import asyncio
import hashlib
import json
import sys
from importlib.metadata import version

import bolt11
import lnurl


async def pay(code: str, millisatoshi: int, comment: str) -> str:
    offer = await lnurl.handle(code)
    if not isinstance(offer, lnurl.LnurlPayResponse):
        raise lnurl.LnurlResponseException(f"not a pay request: {offer}")
    # The amount is verified in here.
    answer = await lnurl.execute_pay_request(offer, millisatoshi, comment)
    # The library leaves the signature and the hash of the description to the wallet.
    invoice = bolt11.decode(answer.pr, strict=True)
    if invoice.description_hash != hashlib.sha256(offer.metadata.encode()).hexdigest():
        raise lnurl.LnurlResponseException("the description is not the metadata's hash")
    return answer.pr


def main() -> None:
    code, satoshi, comment = sys.argv[1:]
    said = {"version": f"{version('lnurl')} of PyPI"}
    try:
        said["invoice"] = asyncio.run(pay(code, int(satoshi) * 1000, comment))
    except lnurl.LnurlResponseException as error:
        said["error"] = str(error)
    print(json.dumps(said))


main()
