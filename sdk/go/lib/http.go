package runwright

import (
	"context"
	"time"
)

// Header is a name and a value.
type Header struct{ Name, Value string }

// Request is an HTTP request.
type Request struct {
	// Method: GET when "".
	Method string
	// URL: an absolute http or https address.
	URL string
	// Headers. Secret placeholders in values are replaced as the request leaves.
	Headers []Header
	// Body, nil for none. Secret placeholders in it are replaced as the request leaves.
	Body []byte
	// Timeout for the whole answer; 30 seconds when zero.
	Timeout time.Duration
	// Redirects: how many to follow. Each hop must be granted.
	Redirects uint32
}

// Response is an answer. Every status is an answer; errors are for requests that got none.
type Response struct {
	// Status code.
	Status int
	// Headers, names in lower case.
	Headers []Header
	// Body of at most 8 MiB; a longer one is ErrLimitExceeded.
	Body []byte
}

// Header is the first value of this name (in lower case), "" when there is none.
func (r Response) Header(name string) string {
	for _, header := range r.Headers {
		if header.Name == name {
			return header.Value
		}
	}
	return ""
}

// Send sends an HTTP request. One that was on its way when the engine stopped is ErrUncertain, unless its method is safe
// (GET, HEAD, OPTIONS): those are sent again.
func Send(ctx context.Context, request Request) (Response, error) {
	if request.Method == "" {
		request.Method = "GET"
	}
	return worldOf(ctx).Send(request)
}

// AWSRequest is a request to a service of AWS. The engine finds the service, signs, sends, and tries again while it is
// throttled.
type AWSRequest struct {
	// Service: the name that the service signs with: ec2, s3, monitoring.
	Service string
	// Region and Host: the engine's own region and SERVICE.REGION.amazonaws.com when "".
	Region, Host string
	// Method and Path (with the query, percent-encoded).
	Method, Path string
	// Headers without host, authorization and x-amz-date.
	Headers []Header
	// Body of at most 8 MiB.
	Body []byte
	// Credentials: the text by which the engine finds a role that was assumed; the execution's own role when "".
	Credentials string
	// Timeout for the whole answer; 60 seconds when zero.
	Timeout time.Duration
}

// SendAWS sends a request to a service of AWS.
func SendAWS(ctx context.Context, request AWSRequest) (Response, error) {
	return worldOf(ctx).SendAWS(request)
}
