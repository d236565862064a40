// What a camera writes into a photo besides the picture (where and when it was taken, with what, a smaller picture of what
// was cut away) is not for those who get it. It goes before a JPEG is sent; the picture itself is not touched, and
// how the camera was held stays (EXIF 2.32 §4.6.4). It comes with the first photo (lazy.js).

/** Markers (ITU T.81 §B.1.1.3). */
const [SCAN, END, COMMENT, APP0, APP1, APP2, ADOBE, APP15] = [0xda, 0xd9, 0xfe, 0xe0, 0xe1, 0xe2, 0xee, 0xef];
const ORIENTATION = 0x0112;

/** @typedef {{marker: number, from: number, to: number}} Segment */

/** Where the data of a scan end: at a marker that neither stands for a byte nor is passed over in it. @param {Uint8Array} bytes @param {number} from */
function endOfScan(bytes, from) {
    for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
        const next = bytes[at + 1];
        if (next !== 0 && next !== 0xff && !(next >= 0xd0 && next <= 0xd7)) return at;
    }
    return bytes.length;
}

/** The parts of a JPEG, as far as it goes; none, if it is something else. What follows its end is not among them. @param {Uint8Array} bytes @returns {Segment[]} */
function segmentsOf(bytes) {
    const found = [];
    for (let at = 2; bytes[at] === 0xff; ) {
        const marker = bytes[at + 1];
        const length = marker === END ? 0 : marker === 0xff ? -1 : (bytes[at + 2] << 8) | bytes[at + 3]; // it may be filled up before a marker
        const to = marker === SCAN ? endOfScan(bytes, at + 2 + length) : at + 2 + length;
        if (length >= 0) found.push({ marker, from: at, to });
        if (marker === END) break;
        at = to;
    }
    return bytes[0] === 0xff && bytes[1] === 0xd8 && found.some(({ marker }) => marker === SCAN) ? found : [];
}

/** Whether a part begins with a name. @param {Uint8Array} bytes @param {Segment} segment @param {string} name */
const isCalled = (bytes, { from }, name) => [...name].every((letter, i) => bytes[from + 4 + i] === letter.charCodeAt(0));

/** How the camera was held, 1 to 8; 0: that is not told. @param {Uint8Array} bytes @param {Segment} segment */
function orientationIn(bytes, { from, to }) {
    try {
        const view = new DataView(bytes.buffer, from + 10, to - from - 10);
        const little = view.getUint16(0) === 0x4949;
        const first = view.getUint32(4, little);
        for (let i = 0; i < view.getUint16(first, little); i++) {
            const entry = first + 2 + 12 * i;
            if (view.getUint16(entry, little) === ORIENTATION) return view.getUint16(entry + 8, little);
        }
    } catch {
        // It ends too soon, and tells nothing.
    }
    return 0;
}

/** EXIF that says that, and nothing else. @param {number} orientation */
const heldAs = (orientation) => new Uint8Array([0xff, APP1, 0, 34, ...new TextEncoder().encode('Exif\0\0MM\0*'), 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0]);

/** What is kept of a part. @param {Uint8Array<ArrayBuffer>} bytes @param {Segment} segment */
function kept(bytes, segment) {
    const { marker, from, to } = segment;
    const isOfCamera = marker === COMMENT || (marker >= APP0 && marker <= APP15);
    const isOfPicture = (marker === APP0 && isCalled(bytes, segment, 'JFIF\0')) || marker === ADOBE || (marker === APP2 && isCalled(bytes, segment, 'ICC_PROFILE\0'));
    if (!isOfCamera || isOfPicture) return [bytes.subarray(from, to)];
    const orientation = marker === APP1 && isCalled(bytes, segment, 'Exif\0\0') ? orientationIn(bytes, segment) : 0;
    return orientation > 1 && orientation <= 8 ? [heldAs(orientation)] : [];
}

/**
 * A photo with nothing in it but the picture; what is no JPEG stays as it is.
 * @param {File} file
 * @returns {Promise<File>}
 */
export async function withoutMetadata(file) {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const segments = segmentsOf(bytes);
    if (!segments.length) return file;
    return new File([bytes.subarray(0, 2), ...segments.flatMap((segment) => kept(bytes, segment))], file.name, { type: file.type, lastModified: file.lastModified });
}
