package doctor

import (
	"context"
	"io"
	"net/http"
)

// upload: the proxy lets the largest file through. There is no such slot, so that the
// site refuses it; what counts is who does.
func (d *Doctor) upload(ctx context.Context) []Finding {
	const check = "uploads"
	if d.MaxUpload == 0 || d.External {
		return nil // the site takes none; another server's are where fileOrigins looks
	}
	status, err := d.putLarge(ctx, d.BaseURL+"/upload/doctor/large.bin")
	if err != nil {
		return warn(check, "Look at the proxy's error log.", "the proxy broke off a file of %d bytes: %v", d.MaxUpload, err)
	}
	switch status {
	case http.StatusNotFound:
		return ok(check, "a file of %d bytes gets through", d.MaxUpload)
	case http.StatusRequestEntityTooLarge:
		return fail(check, "nginx: client_max_body_size in location /upload/, at least UPLOAD_MAX_SIZE; Apache: LimitRequestBody; Caddy: request_body max_size.",
			"the proxy refuses a file of %d bytes, which UPLOAD_MAX_SIZE allows", d.MaxUpload)
	}
	return fail(check, "Let the proxy pass on PUT below /upload/.", "a file is answered with %d", status)
}

// putLarge sends a file of MaxUpload bytes as a page would, and returns the status of the answer.
func (d *Doctor) putLarge(ctx context.Context, to string) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, to, io.LimitReader(zeros{}, d.MaxUpload))
	if err != nil {
		return 0, err
	}
	req.ContentLength = d.MaxUpload
	req.Header.Set("Expect", "100-continue") // nothing is sent that is not wanted
	req.Header.Set("Origin", d.BaseURL)
	// Over HTTP/2 the answer is heard while the file is still on its way.
	transport := d.transport()
	transport.ForceAttemptHTTP2 = true
	resp, err := (&http.Client{Timeout: 4 * timeout, Transport: transport}).Do(req)
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	return resp.StatusCode, nil
}

// zeros has no end.
type zeros struct{}

// Read implements io.Reader.
func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
