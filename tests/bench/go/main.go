// The bridge in Go, for one type of callback, as a peer to measure: go-bridge PORT KAFKA PREFIX.
//
// It does the same work: it checks the signature, makes a typed event and a record of the original, waits
// until Kafka has both (acks=all, idempotent), writes a log line and counts.
package main

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	_ "time/tzdata"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	authToken    = "emulated-token-not-a-secret"
	publicURL    = "https://hooks.example.com"
	path         = "/plivo/voice/call/hangup"
	bodyBytesMax = 262_144
	ackTimeout   = 5 * time.Second
)

type hangup struct {
	CallUUID         string  `json:"call_uuid"`
	ALegUUID         string  `json:"a_leg_uuid,omitempty"`
	RequestUUID      string  `json:"request_uuid,omitempty"`
	ALegRequestUUID  string  `json:"a_leg_request_uuid,omitempty"`
	Account          string  `json:"account"`
	Direction        string  `json:"direction"`
	Caller           string  `json:"caller"`
	Callee           string  `json:"callee"`
	Status           string  `json:"status"`
	StirAttestation  string  `json:"stir_attestation,omitempty"`
	StirVerification string  `json:"stir_verification,omitempty"`
	StartedAt        *string `json:"started_at"`
	AnsweredAt       *string `json:"answered_at"`
	EndedAt          *string `json:"ended_at"`
	SessionStartedAt *string `json:"session_started_at"`
	DurationS        *int    `json:"duration_s"`
	BillDurationS    *int    `json:"bill_duration_s"`
	BillRate         string  `json:"bill_rate,omitempty"`
	TotalCost        string  `json:"total_cost,omitempty"`
	Cause            string  `json:"cause,omitempty"`
	CauseCode        *int    `json:"cause_code"`
	CauseName        string  `json:"cause_name,omitempty"`
	Source           string  `json:"source,omitempty"`
}

type event struct {
	SpecVersion     string    `json:"specversion"`
	ID              string    `json:"id"`
	Source          string    `json:"source"`
	Type            string    `json:"type"`
	Subject         string    `json:"subject"`
	Time            time.Time `json:"time"`
	DataContentType string    `json:"datacontenttype"`
	Data            hangup    `json:"data"`
}

type journal struct {
	EventID    string            `json:"event_id"`
	ReceivedAt time.Time         `json:"received_at"`
	Method     string            `json:"method"`
	URL        string            `json:"url"`
	Headers    map[string]string `json:"headers"`
	Parameters map[string]string `json:"parameters"`
}

type bridge struct {
	kafka      *kgo.Client
	events     string
	journal    string
	zone       *time.Location
	log        *slog.Logger
	published  prometheus.Counter
	rejected   prometheus.Counter
	ackSeconds prometheus.Observer
}

func signed(parameters url.Values, nonce string) string {
	names := make([]string, 0, len(parameters))
	for name := range parameters {
		names = append(names, name)
	}
	sort.Strings(names)
	var base strings.Builder
	base.WriteString(publicURL + path + "?")
	for _, name := range names {
		values := append([]string(nil), parameters[name]...)
		sort.Strings(values)
		for _, value := range values {
			base.WriteString(name)
			base.WriteString(value)
		}
	}
	base.WriteString("." + nonce)
	mac := hmac.New(sha256.New, []byte(authToken))
	mac.Write([]byte(base.String()))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func verified(parameters url.Values, nonce, signatures string) bool {
	expected := signed(parameters, nonce)
	for _, one := range strings.Split(signatures, ",") {
		if hmac.Equal([]byte(one), []byte(expected)) {
			return true
		}
	}
	return false
}

func number(text string) *int {
	value, err := strconv.Atoi(text)
	if err != nil {
		return nil
	}
	return &value
}

func instant(text string, zone *time.Location) *string {
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04:05.999999"} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			found := at.UTC().Format(time.RFC3339Nano)
			return &found
		}
	}
	return nil
}

func (b *bridge) read(p url.Values) hangup {
	return hangup{
		CallUUID:         p.Get("CallUUID"),
		ALegUUID:         p.Get("ALegUUID"),
		RequestUUID:      p.Get("RequestUUID"),
		ALegRequestUUID:  p.Get("ALegRequestUUID"),
		Account:          p.Get("ParentAuthID"),
		Direction:        p.Get("Direction"),
		Caller:           p.Get("From"),
		Callee:           p.Get("To"),
		Status:           p.Get("CallStatus"),
		StirAttestation:  p.Get("STIRAttestation"),
		StirVerification: p.Get("STIRVerification"),
		StartedAt:        instant(p.Get("StartTime"), b.zone),
		AnsweredAt:       instant(p.Get("AnswerTime"), b.zone),
		EndedAt:          instant(p.Get("EndTime"), b.zone),
		SessionStartedAt: instant(p.Get("SessionStart"), time.UTC),
		DurationS:        number(p.Get("Duration")),
		BillDurationS:    number(p.Get("BillDuration")),
		BillRate:         p.Get("BillRate"),
		TotalCost:        p.Get("TotalCost"),
		Cause:            p.Get("HangupCause"),
		CauseCode:        number(p.Get("HangupCauseCode")),
		CauseName:        p.Get("HangupCauseName"),
		Source:           p.Get("HangupSource"),
	}
}

func (b *bridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	receivedAt := time.Now().UTC()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyBytesMax))
	if err != nil {
		http.Error(w, "the body is too long or incomplete", http.StatusRequestEntityTooLarge)
		return
	}
	parameters, err := url.ParseQuery(string(body))
	if err != nil {
		http.Error(w, "malformed form", http.StatusBadRequest)
		return
	}
	header := r.Header
	if !verified(parameters, header.Get("X-Plivo-Signature-V3-Nonce"), header.Get("X-Plivo-Signature-V3")) {
		b.rejected.Inc()
		b.log.Warn("callback_rejected", "path", path)
		http.Error(w, "wrong signature", http.StatusForbidden)
		return
	}
	data := b.read(parameters)
	id := rand.Text()
	eventJSON, err1 := json.Marshal(event{
		SpecVersion: "1.0", ID: id, Source: "/plivo/" + data.Account, Type: "voice.hangup",
		Subject: data.CallUUID, Time: receivedAt, DataContentType: "application/json", Data: data,
	})
	journalJSON, err2 := json.Marshal(journal{
		EventID: id, ReceivedAt: receivedAt, Method: r.Method, URL: publicURL + path,
		Headers: first(header), Parameters: first(parameters),
	})
	if err1 != nil || err2 != nil {
		http.Error(w, "not JSON", http.StatusInternalServerError)
		return
	}
	if err := b.store(r.Context(), []byte(data.CallUUID), eventJSON, journalJSON); err != nil {
		b.log.Error("kafka_unavailable", "error", err.Error())
		http.Error(w, "Kafka is away", http.StatusServiceUnavailable)
		return
	}
	b.ackSeconds.Observe(time.Since(receivedAt).Seconds())
	b.published.Inc()
	b.log.Info("callback_published", "type", "voice.hangup", "event_id", id, "call_uuid", data.CallUUID)
	_, _ = w.Write([]byte("ok"))
}

func first(values map[string][]string) map[string]string {
	found := make(map[string]string, len(values))
	for name, of := range values {
		found[name] = of[0]
	}
	return found
}

// Return when Kafka has acknowledged both records.
func (b *bridge) store(ctx context.Context, key, eventJSON, journalJSON []byte) error {
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	var both sync.WaitGroup
	var errs [2]error
	both.Add(2)
	for place, record := range []*kgo.Record{
		{Topic: b.events, Key: key, Value: eventJSON},
		{Topic: b.journal, Key: key, Value: journalJSON},
	} {
		b.kafka.Produce(ctx, record, func(_ *kgo.Record, err error) {
			errs[place] = err
			both.Done()
		})
	}
	both.Wait()
	if errs[0] != nil {
		return errs[0]
	}
	return errs[1]
}

func run(port, kafka, prefix string) error {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(
		kgo.SeedBrokers(kafka),
		kgo.RequiredAcks(kgo.AllISRAcks()), // with idempotence, which is the default
		kgo.ProducerLinger(0),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Ping(context.Background()); err != nil {
		return err
	}
	callbacks := prometheus.NewCounterVec(
		prometheus.CounterOpts{Name: "callbacks_total", Help: "Callbacks."}, []string{"type", "outcome"})
	seconds := prometheus.NewHistogramVec(
		prometheus.HistogramOpts{Name: "callback_seconds", Help: "Time until Kafka has acknowledged."}, []string{"type"})
	prometheus.MustRegister(callbacks, seconds)
	b := &bridge{
		kafka:      client,
		events:     prefix + "events",
		journal:    prefix + "journal",
		zone:       zone,
		log:        slog.New(slog.NewJSONHandler(os.Stdout, nil)),
		published:  callbacks.WithLabelValues("hangup", "published"),
		rejected:   callbacks.WithLabelValues("hangup", "rejected"),
		ackSeconds: seconds.WithLabelValues("hangup"),
	}
	mux := http.NewServeMux()
	mux.Handle("POST "+path, b)
	server := &http.Server{Addr: "127.0.0.1:" + port, Handler: mux}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer cancel()
	go func() {
		<-stop.Done()
		_ = server.Shutdown(context.Background())
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		return err
	}
	return nil
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: go-bridge PORT KAFKA PREFIX")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
