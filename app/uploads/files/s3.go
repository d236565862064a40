package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// S3Options say where an S3-compatible service is, and who we are there.
type S3Options struct {
	Bucket    string // must exist; nobody else needs to be allowed to read it
	Prefix    string // in front of every object's name; may be empty
	Endpoint  string // URL; empty: Amazon's
	Region    string // empty: us-east-1
	AccessKey string
	SecretKey string

	Transport http.RoundTripper // nil: the usual one
}

// S3 keeps files in a bucket.
type S3 struct {
	client minio.Core
	bucket string
	prefix string
}

var _ Store = (*S3)(nil)

// NewS3 checks the options; it does not ask the service.
func NewS3(o S3Options) (*S3, error) {
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.Endpoint == "" {
		o.Endpoint = "https://s3." + o.Region + ".amazonaws.com"
	}
	u, err := url.Parse(o.Endpoint)
	if strings.ContainsAny(o.Endpoint, "@?#") { // which may be keys: they are not shown
		return nil, errors.New("the endpoint S3_ENDPOINT has more than a host; leave the rest away, and write the keys to S3_ACCESS_KEY and S3_SECRET_KEY")
	}
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("the endpoint %q is not like https://s3.example.org", o.Endpoint)
	}
	client, err := minio.NewCore(u.Host, &minio.Options{
		Creds: credentials.NewStaticV4(o.AccessKey, o.SecretKey, ""), Secure: u.Scheme == "https", Region: o.Region, Transport: o.Transport,
	})
	if err != nil {
		return nil, err
	}
	return &S3{client: *client, bucket: o.Bucket, prefix: o.Prefix}, nil
}

func (s *S3) name(id uuid.UUID) string { return s.prefix + id.String() }

// Put implements Store: one request, so that there is never a part of a file.
func (s *S3) Put(ctx context.Context, id uuid.UUID, r io.Reader, size int64) error {
	return s.put(ctx, s.name(id), r, size)
}

func (s *S3) put(ctx context.Context, name string, r io.Reader, size int64) error {
	body := &exactReader{r: r, left: size}
	_, err := s.client.Client.PutObject(ctx, s.bucket, name, body, size,
		minio.PutObjectOptions{ContentType: "application/octet-stream", DisableMultipart: true})
	if err != nil {
		return errors.Join(err, body.err)
	}
	return nil
}

// Open implements Store.
func (s *S3) Open(ctx context.Context, id uuid.UUID, offset, length int64) (io.ReadCloser, error) {
	var part minio.GetObjectOptions
	if err := part.SetRange(offset, offset+length-1); err != nil {
		return nil, err
	}
	body, _, header, err := s.client.GetObject(ctx, s.bucket, s.name(id), part)
	if isMissing(err) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	// A service, or a proxy before it, may ignore what is asked for and send all (RFC 9110 §14.2).
	if from := header.Get("Content-Range"); offset > 0 && !strings.HasPrefix(from, fmt.Sprintf("bytes %d-", offset)) {
		return nil, errors.Join(fmt.Errorf("the service answered with another part of the file: %q", from), body.Close())
	}
	return sectionFile{io.LimitReader(body, length), body}, nil
}

func isMissing(err error) bool {
	var answer minio.ErrorResponse
	return errors.As(err, &answer) && answer.Code == minio.NoSuchKey
}

// Delete implements Store.
func (s *S3) Delete(ctx context.Context, id uuid.UUID) error {
	if err := s.DeleteSmall(ctx, id); err != nil {
		return err
	}
	return s.delete(ctx, s.name(id))
}

// PutSmall implements Store.
func (s *S3) PutSmall(ctx context.Context, id uuid.UUID, data []byte) error {
	return s.put(ctx, s.name(id)+small, bytes.NewReader(data), int64(len(data)))
}

// OpenSmall implements Store.
func (s *S3) OpenSmall(ctx context.Context, id uuid.UUID) (io.ReadCloser, int64, error) {
	body, info, _, err := s.client.GetObject(ctx, s.bucket, s.name(id)+small, minio.GetObjectOptions{})
	if isMissing(err) {
		return nil, 0, ErrNotFound
	}
	if err != nil {
		return nil, 0, err
	}
	if info.Size < 0 {
		return nil, 0, errors.Join(errors.New("the service did not say how long the file is"), body.Close())
	}
	return body, info.Size, nil
}

// DeleteSmall implements Store.
func (s *S3) DeleteSmall(ctx context.Context, id uuid.UUID) error {
	return s.delete(ctx, s.name(id)+small)
}

func (s *S3) delete(ctx context.Context, name string) error {
	err := s.client.RemoveObject(ctx, s.bucket, name, minio.RemoveObjectOptions{})
	var answer minio.ErrorResponse
	switch {
	case isMissing(err):
		return nil
	case err != nil && (!errors.As(err, &answer) || answer.StatusCode >= http.StatusInternalServerError):
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return err
}

// List implements Store.
func (s *S3) List(ctx context.Context, before time.Time, yield func(uuid.UUID) error) error {
	var last uuid.UUID
	for object := range s.client.ListObjectsIter(ctx, s.bucket, minio.ListObjectsOptions{Prefix: s.prefix, Recursive: true}) {
		if object.Err != nil {
			return object.Err
		}
		id, err := uuid.Parse(strings.TrimSuffix(strings.TrimPrefix(object.Key, s.prefix), small))
		if err != nil || id == last || !object.LastModified.Before(before) {
			continue // not of ours, told (names come in order), or too new
		}
		last = id
		if err := yield(id); err != nil {
			return err
		}
	}
	return ctx.Err()
}
