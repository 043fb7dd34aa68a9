package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

func main() {
	base := cmp.Or(os.Getenv("ANTHROPIC_BASE_URL"), "http://127.0.0.1:8787")
	body := `{"model":"claude-sonnet-5-5","max_tokens":200,"messages":[{"role":"user","content":"What does a spillway do?"}]}`
	request, err := http.NewRequest("POST", base+"/v1/messages", strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	request.Header.Set("x-api-key", "spillway")
	request.Header.Set("anthropic-version", "2023-06-01")
	request.Header.Set("content-type", "application/json")

	client := http.Client{Timeout: 620 * time.Second}
	response, err := client.Do(request)
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		panic(fmt.Sprintf("call %s: %s", response.Header.Get("x-spillway-call-id"), text))
	}
	var message struct {
		Content []struct{ Text string }
	}
	if err := json.NewDecoder(response.Body).Decode(&message); err != nil {
		panic(err)
	}
	fmt.Println(message.Content[0].Text)
	fmt.Println("served by", response.Header.Get("x-spillway-served-by"))
}
