// Headers of every answer, and the one page that the server writes itself.

/** Nothing is loaded from elsewhere, nothing inline runs, nobody frames the studio or reads its answers. */
export const securityHeaders = {
  'content-security-policy': "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    + "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const;

export const lockedPage = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="dark light">
<title>Atelier</title>
<h1>This studio is locked</h1>
<p>Open the address that Atelier printed in the terminal when it started. It ends in <code>?token=…</code> and lets this browser in.</p>
</html>
`;
