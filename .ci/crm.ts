// What the vendors' SDKs say of the requests that the presets make.
import type {
  BatchInputSimplePublicObjectBatchInputUpsert,
} from "@hubspot/api-client/lib/codegen/crm/objects/calls/index.js";
import type {
  PublicObjectSearchRequest,
  SimplePublicObjectInputForCreate,
} from "@hubspot/api-client/lib/codegen/crm/contacts/index.js";
import type { AddLeadRequest, LeadsApiGetLeadsRequest, UsersApiFindUsersByNameRequest } from "pipedrive/v1";
import type { AddActivityRequest, AddPersonRequest, PersonsApiSearchPersonsRequest } from "pipedrive/v2";

// Wire is a type as JSON has it: an enumeration is one of its texts.
type Wire<T> = T extends string ? `${T}`
  : T extends Date ? string
  : T extends object ? { [K in keyof T]: Wire<T[K]> }
  : T;

// Query is a type as a query has it: every value is a text.
type Query<T> = { [K in keyof T]: `${Exclude<T[K], undefined> & (string | number | boolean)}` };

type None = Record<string, never>;

// The SDK calls a rule of order a text; HubSpot's documents, and its API, have an
// object.
type Search = Wire<Omit<PublicObjectSearchRequest, "sorts">> & {
  sorts?: { propertyName: string; direction: "ASCENDING" | "DESCENDING" }[];
};

type Of<Place, Q, B> = { place: Place; query: Q; body: B };

export type Request =
  | Of<"POST /crm/objects/2026-03/contacts/search" | "POST /crm/objects/2026-03/companies/search", None, Search>
  | Of<"POST /crm/objects/2026-03/contacts", None, Wire<SimplePublicObjectInputForCreate>>
  | Of<"POST /crm/objects/2026-03/calls/batch/upsert", None, Wire<BatchInputSimplePublicObjectBatchInputUpsert>>
  | Of<`PUT /crm/objects/2026-03/calls/{id}/associations/default/${"contacts" | "companies"}/{id}`, None, undefined>
  // The parameters of OwnersApi.getPage.
  | Of<"GET /crm/v3/owners/", { email?: string; after?: string; limit?: `${number}`; archived?: `${boolean}` }, undefined>
  | Of<"GET /api/v2/persons/search", Query<PersonsApiSearchPersonsRequest>, undefined>
  | Of<"GET /api/v1/users/find", Query<UsersApiFindUsersByNameRequest>, undefined>
  | Of<"GET /api/v1/leads", Query<LeadsApiGetLeadsRequest>, undefined>
  | Of<"POST /api/v2/persons", None, Wire<AddPersonRequest>>
  | Of<"POST /api/v1/leads", None, Wire<AddLeadRequest>>
  | Of<"POST /api/v2/activities" | "PATCH /api/v2/activities/{id}", None, Wire<AddActivityRequest>>;
