// Writes by pgx from WORKERS goroutines through database/sql, as Flyte and Kubeflow Pipelines do; prints a worker's number after each write.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
)

func main() {
	pool, err := sql.Open("pgx", os.Getenv("ADDRESS"))
	if err != nil {
		panic(err)
	}
	pool.SetMaxOpenConns(number("OPEN"))
	pool.SetMaxIdleConns(number("IDLE"))
	pool.SetConnMaxLifetime(time.Duration(number("LIFETIME")) * time.Second)
	for worker := 0; worker < number("WORKERS"); worker++ {
		go func() {
			for ; ; time.Sleep(200 * time.Millisecond) {
				if request(pool) == nil {
					os.Stdout.WriteString(fmt.Sprintln(worker))
				}
			}
		}()
	}
	select {}
}

// A whole number in a variable, 0 without it.
func number(name string) int {
	value, _ := strconv.Atoi(os.Getenv(name))
	return value
}

// A request that its client cancels after DEADLINE seconds, or gives up after PATIENCE seconds without the server's knowledge.
func request(pool *sql.DB) error {
	ctx := context.Background()
	if deadline := number("DEADLINE"); deadline > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(deadline)*time.Second)
		defer cancel()
	}
	patience := number("PATIENCE")
	if patience == 0 {
		patience = 3600
	}
	done := make(chan error, 1)
	go func() {
		_, err := pool.ExecContext(ctx, "INSERT INTO proof DEFAULT VALUES")
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(time.Duration(patience) * time.Second):
		return errors.New("gave up")
	}
}
