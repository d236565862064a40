package pictures

import (
	"encoding/binary"
	"image/color"
	"strings"
)

// What a file of each format says of itself, beyond its size.

// bytesPerPixel is what the decoders of the standard library take, as much as
// they ever do.
func bytesPerPixel(raw []byte, model color.Model, format string) int64 {
	switch format {
	case "jpeg":
		for marker := range jpegSegments(raw) {
			if marker == 0xc2 { // SOF2: progressive, with coefficients of four bytes
				return 3 + 12
			}
		}
		return 3
	case "webp":
		return 8
	}
	n := int64(4)
	switch model {
	case color.GrayModel:
		n = 1
	case color.Gray16Model:
		n = 2
	case color.RGBA64Model, color.NRGBA64Model:
		n = 8
	}
	if _, ok := model.(color.Palette); ok {
		n = 1
	}
	if format == "png" && len(raw) > 28 && raw[28] != 0 { // interlaced: passes of their own
		n *= 2
	}
	return n
}

// halved reports whether a JPEG has colours for one pixel in four, as photos do: it takes half of what bytesPerPixel
// says, since there are three samples for two pixels (ITU T.81 §A.1.1, §B.2.2).
func halved(raw []byte) bool {
	for marker, s := range jpegSegments(raw) {
		if marker >= 0xc0 && marker <= 0xc2 {
			return len(s) == 15 && s[7] == 0x22 && s[10] == 0x11 && s[13] == 0x11
		}
	}
	return false
}

// bare reports whether a file that was decoded holds a picture and nothing else:
// no place, no comment, nothing after its end. Of formats other than PNG and
// JPEG that is not known.
func bare(raw []byte, format string) bool {
	switch format {
	case "png":
		return barePNG(raw)
	case "jpeg":
		return bareJPEG(raw)
	}
	return false
}

// barePNG looks at a PNG's chunks (PNG §5.3): those that tell colours may be there.
func barePNG(raw []byte) bool {
	const signature, frame = 8, 12 // length, type and checksum
	for at := signature; at+frame <= len(raw); {
		length := int(binary.BigEndian.Uint32(raw[at:]))
		name := string(raw[at+4 : at+8])
		if length > len(raw)-at-frame || !strings.Contains("IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB sBIT bKGD pHYs", name) {
			return false
		}
		at += frame + length
		if name == "IEND" {
			return length == 0 && at == len(raw)
		}
	}
	return false
}

// bareJPEG looks at a JPEG's segments (ITU T.81 §B.1): those that make the picture
// may be there, and a JFIF header without a thumbnail.
func bareJPEG(raw []byte) bool {
	const jfif = 16
	last := byte(0)
	for marker, segment := range jpegSegments(raw) {
		switch {
		case marker == 0xe0 && len(segment) <= jfif-2: // APP0
		case marker >= 0xc0 && marker <= 0xcf && marker != 0xc8: // frames and Huffman tables
		case marker == 0xdb || marker == 0xdd || marker == 0xda: // quantisation, restart interval, scan
		case marker == 0xd9: // the end
			return len(segment) == 0 && last == 0xda
		default:
			return false
		}
		last = marker
	}
	return false
}

// jpegSegments goes through a JPEG's markers with their segments; the end's is what
// follows it. A scan's data is skipped.
func jpegSegments(raw []byte) func(yield func(byte, []byte) bool) {
	return func(yield func(byte, []byte) bool) {
		for at := 2; at+2 <= len(raw) && raw[at] == 0xff; {
			marker := raw[at+1]
			if marker == 0xd9 {
				yield(marker, raw[at+2:])
				return
			}
			if at+4 > len(raw) {
				return
			}
			end := at + 2 + int(binary.BigEndian.Uint16(raw[at+2:]))
			if end < at+4 || end > len(raw) || !yield(marker, raw[at+4:end]) {
				return
			}
			if at = end; marker == 0xda {
				at += scanLength(raw[at:])
			}
		}
	}
}

// scanLength is how long a scan's data is: up to a marker that is neither a
// stuffed byte nor a restart (ITU T.81 §B.1.1.2).
func scanLength(raw []byte) int {
	for i := 0; i+1 < len(raw); i++ {
		if next := raw[i+1]; raw[i] == 0xff && next != 0 && (next < 0xd0 || next > 0xd7) {
			return i
		}
	}
	return len(raw)
}
