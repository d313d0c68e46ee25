package consoletest

import (
	"fmt"
	"io"
	"net/http"
)

// answer is a response before it is written.
type answer struct {
	status int
	html   bool
	header map[string]string
	body   []byte
	stream func(w io.Writer) error // writes the body instead; it ends with the client's connection
}

// data wraps a single object.
func data(v any) answer {
	return answer{status: http.StatusOK, body: mustJSON(struct {
		Data any `json:"data"`
	}{v})}
}

var success = data(map[string]bool{"success": true})

// apiError is one entry of the console's error list. Detail is null, "" or a text: all three
// were seen.
type apiError struct {
	Code   int     `json:"code"`
	Detail *string `json:"detail"`
	Title  string  `json:"title"`
}

func failure(status int, e apiError) answer {
	return answer{status: status, body: mustJSON(struct {
		Errors []apiError `json:"errors"`
	}{[]apiError{e}})}
}

// invalid is the response to input that the console rejects.
func invalid(format string, args ...any) answer {
	return failure(http.StatusBadRequest, apiError{
		Code: 4000010, Title: "Validation Error", Detail: new(fmt.Sprintf(format, args...)),
	})
}

func unauthorized() answer {
	return failure(http.StatusUnauthorized, apiError{Code: 4010010, Title: "Authentication Failed"})
}

func forbidden() answer {
	return failure(http.StatusForbidden, apiError{Code: 4030010, Title: "Insufficient permissions"})
}

func notFound() answer {
	return failure(http.StatusNotFound, apiError{
		Code: 4040010, Title: "Requested resource was not found", Detail: new(""),
	})
}

// conflict has an invented code: for an e-mail address that is taken, the vendor documents the
// status of PUT /users/{id}, but no code.
func conflict(detail string) answer {
	return failure(http.StatusConflict, apiError{Code: 4090010, Title: "Conflict", Detail: &detail})
}

func serverError() answer {
	return failure(http.StatusInternalServerError, apiError{
		Code: 5000010, Title: "Internal server error", Detail: new("Server could not process the request."),
	})
}

// nginx is an HTML response of the server in front of the console.
func nginx(status int) answer {
	title := fmt.Sprintf("%d %s", status, http.StatusText(status))
	return answer{status: status, html: true, body: fmt.Appendf(nil,
		"<html>\r\n<head><title>%s</title></head>\r\n<body>\r\n<center><h1>%s</h1></center>\r\n"+
			"<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n", title, title)}
}

// pagination of a list; NextCursor is null on the last page.
type pagination struct {
	NextCursor *string `json:"nextCursor"`
	TotalItems int     `json:"totalItems"`
}

// list puts rows that are already JSON into the console's envelope.
func list(prefix string, rows [][]byte, suffix string, p pagination) answer {
	size := len(prefix) + len(suffix) + len(rows) + 256
	for _, r := range rows {
		size += len(r)
	}
	body := make([]byte, 0, size)
	body = append(body, prefix...)
	for i, r := range rows {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, r...)
	}
	body = append(body, suffix...)
	body = append(body, `,"pagination":`...)
	body = append(body, mustJSON(p)...)
	return answer{status: http.StatusOK, body: append(body, '}')}
}
