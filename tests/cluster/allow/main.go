// Command allow is the smallest webhook that can be written in Go: it allows everything. What it costs is the price of asking at all.
package main

import (
	"encoding/json"
	"log"
	"net/http"
	"os"

	admission "k8s.io/api/admission/v1"
)

func answer(w http.ResponseWriter, r *http.Request) {
	var review admission.AdmissionReview
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil || review.Request == nil {
		http.Error(w, "no review", http.StatusBadRequest)
		return
	}
	review.Response = &admission.AdmissionResponse{UID: review.Request.UID, Allowed: true}
	review.Request = nil
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(review)
}

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: allow ADDRESS CERTIFICATE KEY")
	}
	log.Fatal(http.ListenAndServeTLS(os.Args[1], os.Args[2], os.Args[3], http.HandlerFunc(answer)))
}
