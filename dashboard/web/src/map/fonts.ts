// The fonts of the labels. MapLibre draws text from these files itself, so no glyph server is needed; a file
// is loaded when a label needs it.

import cyrillic400 from "@fontsource/noto-sans/files/noto-sans-cyrillic-400-normal.woff2?url";
import cyrillic600 from "@fontsource/noto-sans/files/noto-sans-cyrillic-600-normal.woff2?url";
import devanagari400 from "@fontsource/noto-sans/files/noto-sans-devanagari-400-normal.woff2?url";
import devanagari600 from "@fontsource/noto-sans/files/noto-sans-devanagari-600-normal.woff2?url";
import greek400 from "@fontsource/noto-sans/files/noto-sans-greek-400-normal.woff2?url";
import greek600 from "@fontsource/noto-sans/files/noto-sans-greek-600-normal.woff2?url";
import latinExt400 from "@fontsource/noto-sans/files/noto-sans-latin-ext-400-normal.woff2?url";
import latinExt600 from "@fontsource/noto-sans/files/noto-sans-latin-ext-600-normal.woff2?url";
import latin400 from "@fontsource/noto-sans/files/noto-sans-latin-400-normal.woff2?url";
import latin600 from "@fontsource/noto-sans/files/noto-sans-latin-600-normal.woff2?url";

export const REGULAR = "Noto Sans Regular";
export const SEMIBOLD = "Noto Sans SemiBold";

type Face = { url: string; "unicode-range": string[] };

const LATIN = ["U+0000-00FF", "U+0131", "U+0152-0153", "U+02BB-02BC", "U+02C6", "U+02DA", "U+02DC", "U+2000-206F", "U+20AC", "U+2122"];
const LATIN_EXT = ["U+0100-02BA", "U+02BD-02FF", "U+0300-036F", "U+1D00-1DBF", "U+1E00-1EFF", "U+20A0-20AB", "U+20AD-20C0", "U+2C60-2C7F", "U+A720-A7FF"];
const CYRILLIC = ["U+0301", "U+0400-045F", "U+0490-0491", "U+04B0-04B1", "U+2116"];
const GREEK = ["U+0370-03FF"];
const DEVANAGARI = ["U+0900-097F", "U+1CD0-1CF9", "U+200C-200D", "U+20A8", "U+20B9", "U+A830-A839", "U+A8E0-A8FF"];

const faces = (latin: string, latinExt: string, cyrillic: string, greek: string, devanagari: string): Face[] =>
  [
    { url: latin, "unicode-range": LATIN },
    { url: latinExt, "unicode-range": LATIN_EXT },
    { url: cyrillic, "unicode-range": CYRILLIC },
    { url: greek, "unicode-range": GREEK },
    { url: devanagari, "unicode-range": DEVANAGARI },
  ].map((face) => ({ ...face, url: new URL(face.url, document.baseURI).href }));

/** The `font-faces` of the style. */
export const fontFaces = (): Record<string, Face[]> => ({
  [REGULAR]: faces(latin400, latinExt400, cyrillic400, greek400, devanagari400),
  [SEMIBOLD]: faces(latin600, latinExt600, cyrillic600, greek600, devanagari600),
});
