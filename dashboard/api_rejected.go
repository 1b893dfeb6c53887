package dashboard

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"fieldcast/track"
)

type rejectedInput struct {
	Company string `path:"company"`
	Before  uint64 `query:"before" doc:"Only older ones than this seq; 0: from the newest."`
	Limit   int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

type rejected struct {
	Employee   string       `json:"employee"`
	Topic      string       `json:"topic"`
	Reason     track.Reason `json:"reason"`
	Detail     string       `json:"detail"`
	Preview    string       `json:"preview" doc:"The beginning of what was sent, as text."`
	Size       int          `json:"size" doc:"Bytes that were sent."`
	ReceivedAt time.Time    `json:"received_at"`
	Seq        uint64       `json:"seq"`
}

type rejectedOutput struct {
	Body struct {
		Rejected []rejected `json:"rejected"`
	}
}

func (s *server) rejected(ctx context.Context, in *rejectedInput) (*rejectedOutput, error) {
	if _, err := member(ctx, in.Company, managers...); err != nil {
		return nil, s.fail(ctx, err)
	}
	rows, err := s.Store.Rejections(ctx, in.Company, in.Before, in.Limit)
	if err != nil {
		return nil, s.fail(ctx, hideCompany(err))
	}
	out := &rejectedOutput{}
	out.Body.Rejected = []rejected{}
	for _, r := range rows {
		out.Body.Rejected = append(out.Body.Rejected, rejected{
			Employee: r.Employee, Topic: r.Topic, Reason: r.Reason, Detail: r.Detail, Preview: preview(r.Payload),
			Size: r.Size, ReceivedAt: r.ReceivedAt, Seq: r.Seq,
		})
	}
	return out, nil
}

// preview shows what a stranger sent as harmless text: what cannot be printed
// becomes a dot.
func preview(payload []byte) string {
	const most = 200
	cut := payload[:min(len(payload), most)]
	text := strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, string(cut))
	if len(payload) > most {
		text += "…"
	}
	return text
}
